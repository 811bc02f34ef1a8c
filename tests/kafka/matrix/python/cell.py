"""What the Python clients of the matrix share. See ../mod.rs for what they are told and what they say."""

import os
import ssl
import sys

RECORDS = 20
PATIENCE = 40

bootstrap, folder, name, codecs, *settings = sys.argv[1:]
codecs = codecs.split(",")
settings = dict(setting.split("=", 1) for setting in settings)
secured = folder != "-"
own = "a-" + name


def path(file):
    return os.path.join(folder, file)


def context(who):
    """The TLS of one client, for the clients that use Python's own; none without TLS."""
    if not secured:
        return None
    made = ssl.create_default_context(cafile=path("ca.pem"))
    made.load_cert_chain(path(who + ".crt"), path(who + ".key"))
    return made


def value(codec, number):
    """The text of one record: it can be compressed, and tells who wrote it."""
    return f"{codec} {number} {'x' * 200}".encode()


def say(step, outcome):
    print(f"{step}: {outcome}", flush=True)


def steps():
    """All steps of a cell: name, kind and arguments."""
    for codec in codecs:
        yield "produce " + codec, "produce", ("alice", own, codec, RECORDS)
    yield "consume", "consume", ("alice", own, own, RECORDS * len(codecs))
    if secured:
        yield "denied write", "produce", ("bob", own, "none", 1)
        yield "denied read", "consume", ("bob", own, "b-" + name, 1)
        yield "denied group", "consume", ("bob", "b-readable", own, 1)
        yield "unseen write", "produce", ("carol", own, "none", 1)
        yield "unseen read", "consume", ("carol", own, "c-" + name, 1)
