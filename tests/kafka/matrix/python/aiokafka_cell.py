"""One cell of the matrix with aiokafka."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

import cell


def settings(who):
    protocol = "SSL" if cell.secured else "PLAINTEXT"
    return {
        "bootstrap_servers": cell.bootstrap,
        "client_id": "aiokafka-" + who,
        "security_protocol": protocol,
        "ssl_context": cell.context(who),
    }


async def produce(who, topic, codec, count):
    compression = None if codec == "none" else codec
    producer = AIOKafkaProducer(**settings(who), acks="all", compression_type=compression, linger_ms=20)
    try:
        await producer.start()
        sent = [await producer.send(topic, cell.value(codec, number)) for number in range(count)]
        await asyncio.gather(*sent)
        return count
    finally:
        await producer.stop()


async def consume(who, topic, group, count):
    consumer = AIOKafkaConsumer(
        topic, **settings(who), group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    seen = set()
    try:
        await consumer.start()
        while len(seen) < count:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                seen.update(record.value for record in records)
        await consumer.commit()
        return len(seen)
    finally:
        await consumer.stop()


async def outcome(step):
    try:
        return await asyncio.wait_for(step, cell.PATIENCE)
    except (KafkaError, ValueError, asyncio.TimeoutError) as error:
        return type(error).__name__


async def main():
    for step, kind, arguments in cell.steps():
        cell.say(step, await outcome((produce if kind == "produce" else consume)(*arguments)))


asyncio.run(main())
