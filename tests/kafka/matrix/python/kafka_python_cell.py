"""One cell of the matrix with kafka-python."""

import logging
import time

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

import cell


class Refusals(logging.Handler):
    """What a reader is told about a topic that it may not see is lost in the library's own thread, but for its log."""

    seen = False

    def emit(self, record):
        Refusals.seen |= "is not authorized for this client" in record.getMessage()


logging.getLogger("kafka").addHandler(Refusals())


def settings(who):
    return {
        "bootstrap_servers": cell.bootstrap,
        "client_id": "kafka-python-" + who,
        "security_protocol": "SSL" if cell.secured else "PLAINTEXT",
        "ssl_context": cell.context(who),
    }


def produce(who, topic, codec, count):
    compression = None if codec == "none" else codec
    idempotence = {"enable_idempotence": False} if cell.settings.get("idempotent") == "false" else {}
    producer = KafkaProducer(
        **settings(who), **idempotence, acks="all", compression_type=compression, linger_ms=20, max_block_ms=15000
    )
    try:
        sent = [producer.send(topic, cell.value(codec, number)) for number in range(count)]
        for one in sent:
            one.get(timeout=cell.PATIENCE)
        return count
    finally:
        producer.close(timeout=5)


def consume(who, topic, group, count):
    consumer = KafkaConsumer(
        topic, **settings(who), group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    seen = set()
    Refusals.seen = False
    end = time.monotonic() + cell.PATIENCE
    try:
        while len(seen) < count:
            if Refusals.seen:
                return "logged: not authorized"
            if time.monotonic() > end:
                return f"only {len(seen)} of {count} in time"
            for records in consumer.poll(timeout_ms=500).values():
                seen.update(record.value for record in records)
        consumer.commit()
        return len(seen)
    finally:
        consumer.close(autocommit=False)


for step, kind, arguments in cell.steps():
    try:
        cell.say(step, (produce if kind == "produce" else consume)(*arguments))
    except (KafkaError, AssertionError) as error:
        cell.say(step, type(error).__name__)
