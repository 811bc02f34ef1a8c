// One cell of the matrix with kafkajs. See ../mod.rs for what it is told and what it says.
'use strict'

const fs = require('fs')
const path = require('path')
const { Kafka, CompressionTypes, logLevel } = require('kafkajs')

const RECORDS = 20
const PATIENCE = 40_000

const [bootstrap, folder, name, codecs] = process.argv.slice(2)
const secured = folder !== '-'
const own = `a-${name}`

// The error that a client throws may hide the one that the broker gave, which then is only in its log.
let logged = []

function client(who) {
  const read = (file) => fs.readFileSync(path.join(folder, file), 'utf8')
  const ssl = secured ? { ca: [read('ca.pem')], cert: read(`${who}.crt`), key: read(`${who}.key`) } : false
  return new Kafka({
    brokers: [bootstrap],
    clientId: `kafkajs-${who}`,
    ssl,
    retry: { retries: 1 },
    logLevel: logLevel.ERROR,
    logCreator: () => ({ log }) => logged.push(log.error || log.message),
  })
}

function value(codec, number) {
  return `${codec} ${number} ${'x'.repeat(200)}`
}

async function produce(who, topic, codec, count) {
  const producer = client(who).producer()
  const compression = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP }[codec]
  await producer.connect()
  try {
    const messages = [...Array(count).keys()].map((number) => ({ value: value(codec, number) }))
    await producer.send({ topic, acks: -1, compression, messages })
    return count
  } finally {
    await producer.disconnect()
  }
}

async function consume(who, topic, groupId, count) {
  const consumer = client(who).consumer({ groupId })
  const seen = new Set()
  await consumer.connect()
  try {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(`only ${seen.size} of ${count} in time`), PATIENCE)
      const done = (settle) => (outcome) => {
        clearTimeout(timer)
        settle(outcome)
      }
      consumer.on(consumer.events.CRASH, ({ payload }) => done(reject)(payload.error))
      const eachMessage = async ({ message }) => seen.add(message.value.toString())
      consumer.on(consumer.events.COMMIT_OFFSETS, () => seen.size >= count && done(resolve)(seen.size))
      consumer
        .subscribe({ topic, fromBeginning: true })
        .then(() => consumer.run({ eachMessage }))
        .catch(done(reject))
    })
  } finally {
    await consumer.disconnect()
  }
}

async function outcome(step) {
  logged = []
  try {
    return await step()
  } catch (error) {
    for (let cause = error; cause; cause = cause.cause || cause.originalError) {
      if (cause.type) return `${cause.name} ${cause.type}`
    }
    const hidden = logged.find((line) => /not authorized/i.test(line))
    return hidden ? `${error.name}, logged: ${hidden}` : `${error.name}: ${error.message}`
  }
}

async function main() {
  const say = async (step, run) => console.log(`${step}: ${await outcome(run)}`)
  const list = codecs.split(',')
  for (const codec of list) await say(`produce ${codec}`, () => produce('alice', own, codec, RECORDS))
  await say('consume', () => consume('alice', own, own, RECORDS * list.length))
  if (secured) {
    await say('denied write', () => produce('bob', own, 'none', 1))
    await say('denied read', () => consume('bob', own, `b-${name}`, 1))
    await say('denied group', () => consume('bob', 'b-readable', own, 1))
    await say('unseen write', () => produce('carol', own, 'none', 1))
    await say('unseen read', () => consume('carol', own, `c-${name}`, 1))
  }
  process.exit(0)
}

main()
