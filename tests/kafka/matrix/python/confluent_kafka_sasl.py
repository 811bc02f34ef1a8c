"""Logging in with confluent-kafka, which brings a recent librdkafka."""

import time

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

import logins


def attempt(mechanism, user, secret, value):
    errors = []
    settings = {
        "bootstrap.servers": logins.bootstrap,
        "security.protocol": "sasl_ssl",
        "ssl.ca.location": logins.authority,
        "sasl.mechanism": mechanism,
        # librdkafka tries again for ever, and tells of each time.
        "error_cb": lambda error: errors.append(error) if error.code() == KafkaError._AUTHENTICATION else None,
    }
    if mechanism == "OAUTHBEARER":
        settings["oauth_cb"] = lambda _: (secret, time.time() + 600)
    else:
        settings |= {"sasl.username": user, "sasl.password": secret}
    delivered = []
    producer = Producer(settings)
    producer.produce(logins.topic, value, on_delivery=lambda error, _: delivered.append(error))
    end = time.monotonic() + logins.PATIENCE
    while not delivered and not errors and time.monotonic() < end:
        producer.poll(0.1)
    if errors:
        producer.purge()
        return f"{errors[0].name()} {errors[0].str()}"
    if delivered != [None]:
        return f"not delivered: {delivered}"
    consumer = Consumer(settings | {"group.id": "sasl", "enable.auto.commit": False})
    consumer.assign([TopicPartition(logins.topic, 0, 0)])
    try:
        while time.monotonic() < end:
            message = consumer.poll(0.5)
            if message and not message.error() and message.value().decode() == value:
                return "ok"
        return "it has not come back"
    finally:
        consumer.close()


logins.log_in(attempt)
