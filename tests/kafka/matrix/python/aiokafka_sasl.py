"""Logging in with aiokafka."""

import asyncio
import logging
import ssl

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError

import logins


class Refusals(logging.Handler):
    """Why no broker could be reached is told in the library's log alone."""

    last = ""

    def emit(self, record):
        Refusals.last = record.getMessage()


class Token(AbstractTokenProvider):
    def __init__(self, token):
        self._token = token

    async def token(self):
        return self._token


async def try_once(mechanism, user, secret, value):
    settings = {
        "bootstrap_servers": logins.bootstrap,
        "security_protocol": "SASL_SSL",
        "ssl_context": ssl.create_default_context(cafile=logins.authority),
        "sasl_mechanism": mechanism,
    }
    if mechanism == "OAUTHBEARER":
        settings["sasl_oauth_token_provider"] = Token(secret)
    else:
        settings |= {"sasl_plain_username": user, "sasl_plain_password": secret}
    producer = AIOKafkaProducer(**settings)
    try:
        await producer.start()
        await producer.send_and_wait(logins.topic, value.encode())
    finally:
        await producer.stop()
    consumer = AIOKafkaConsumer(**settings)
    try:
        await consumer.start()
        partition = TopicPartition(logins.topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        async for record in consumer:
            if record.value.decode() == value:
                return "ok"
    finally:
        await consumer.stop()


def attempt(*login):
    Refusals.last = ""
    try:
        return asyncio.run(asyncio.wait_for(try_once(*login), logins.PATIENCE))
    except (KafkaError, asyncio.TimeoutError) as error:
        return f"{type(error).__name__}, logged: {Refusals.last}"


logging.getLogger("aiokafka").addHandler(Refusals(logging.ERROR))
logins.log_in(attempt)
