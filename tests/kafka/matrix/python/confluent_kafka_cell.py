"""One cell of the matrix with confluent-kafka, which brings a recent librdkafka."""

import time

from confluent_kafka import Consumer, KafkaException, Producer

import cell


def settings(who, **more):
    settings = {"bootstrap.servers": cell.bootstrap, "client.id": "confluent-" + who, **more}
    if cell.secured:
        settings |= {
            "security.protocol": "ssl",
            "ssl.ca.location": cell.path("ca.pem"),
            "ssl.certificate.location": cell.path(who + ".crt"),
            "ssl.key.location": cell.path(who + ".key"),
        }
    return settings


def produce(who, topic, codec, count):
    producer = Producer(settings(who, **{"compression.type": codec, "linger.ms": 20, "message.timeout.ms": 20000}))
    errors = []
    delivered = []
    report = lambda error, message: errors.append(error) if error else delivered.append(message)
    for number in range(count):
        producer.produce(topic, cell.value(codec, number), on_delivery=report)
    producer.flush(cell.PATIENCE)
    return errors[0].name() if errors else len(delivered)


def consume(who, topic, group, count):
    consumer = Consumer(settings(who, **{"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}))
    seen = set()
    end = time.monotonic() + cell.PATIENCE
    try:
        consumer.subscribe([topic])
        while len(seen) < count:
            if time.monotonic() > end:
                return f"only {len(seen)} of {count} in time"
            message = consumer.poll(0.5)
            if message is None:
                continue
            if message.error():
                return message.error().name()
            seen.add(message.value())
        consumer.commit(asynchronous=False)
        return len(seen)
    finally:
        consumer.close()


for step, kind, arguments in cell.steps():
    try:
        cell.say(step, (produce if kind == "produce" else consume)(*arguments))
    except KafkaException as error:
        cell.say(step, error.args[0].name())
