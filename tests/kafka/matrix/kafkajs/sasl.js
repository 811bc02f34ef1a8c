// Logging in with kafkajs. See ../../sasl/clients.rs for what it is told and what it says.
'use strict'

const fs = require('fs')
const { Kafka, logLevel } = require('kafkajs')

const PATIENCE = 40_000

const [bootstrap, authority, topic, client, ...logins] = process.argv.slice(2)

function kafka(mechanism, username, secret, retries) {
  const sasl =
    mechanism === 'OAUTHBEARER'
      ? { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: secret }) }
      : { mechanism: mechanism.toLowerCase(), username, password: secret }
  const ssl = { ca: [fs.readFileSync(authority, 'utf8')] }
  return new Kafka({ brokers: [bootstrap], clientId: client, ssl, sasl, retry: { retries }, logLevel: logLevel.NOTHING })
}

async function attempt(mechanism, user, secret, value) {
  const producer = kafka(mechanism, user, secret, 1).producer()
  // A broker that has just begun says for a while that it loads the group's coordinator.
  const consumer = kafka(mechanism, user, secret, 10).consumer({ groupId: 'sasl' })
  try {
    await producer.connect()
    await producer.send({ topic, messages: [{ value }] })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    return await new Promise((resolve, reject) => {
      setTimeout(() => resolve('it has not come back'), PATIENCE).unref()
      consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
      const eachMessage = async ({ message }) => {
        if (message.value.toString() === value) resolve('ok')
      }
      consumer.run({ autoCommit: false, eachMessage }).catch(reject)
    })
  } catch (error) {
    return `${error.name}: ${error.message}`
  } finally {
    await producer.disconnect()
    await consumer.disconnect()
  }
}

async function main() {
  for (const login of logins) {
    const [mechanism, user, right, wrong] = login.split(':')
    for (const [which, secret] of [['right', right], ['wrong', wrong]]) {
      const outcome = await attempt(mechanism, user, secret, `${client} ${mechanism}`)
      console.log(`${mechanism} ${which}: ${outcome.replace(/\s+/g, ' ')}`)
    }
  }
  process.exit(0)
}

main()
