"""What the Python clients that log in share. See ../../sasl/clients.rs for what they are told and what they say."""

import sys

PATIENCE = 40

bootstrap, authority, topic, client, *logins = sys.argv[1:]


def log_in(attempt):
    """Tries every way with the right secret and with the wrong one."""
    for login in logins:
        mechanism, user, right, wrong = login.split(":")
        for which, secret in ("right", right), ("wrong", wrong):
            outcome = attempt(mechanism, user, secret, f"{client} {mechanism}")
            print(f"{mechanism} {which}: {' '.join(str(outcome).split())}", flush=True)
