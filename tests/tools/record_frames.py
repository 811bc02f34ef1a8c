#!/usr/bin/env python3
"""Records what real clients and a real broker say, as seeds for the fuzz targets.

    record_frames.py LISTEN_PORT BROKER_PORT FOLDER

Relays from 127.0.0.1:LISTEN_PORT to 127.0.0.1:BROKER_PORT, whose advertised listener must be the former, until it is stopped.
Of each API and version it keeps a few requests and answers that differ in length, under FOLDER/frames and FOLDER/requests in
the form that the targets take (fuzz/src/targets.rs).
"""

import os
import socket
import struct
import sys
import threading

# The first bytes of a seed of the target `requests`: every topic is there, everybody may do everything as there is no ACL, the
# broker serves every version.
HOUSE = bytes([1] * 14 + [0, 0, 1, 1, 7]).ljust(24, b"\0")
MOST = 3
LONGEST = 4096
kept = {}
lock = threading.Lock()


def keep(folder, kind, key, version, data):
    with lock:
        seen = kept.setdefault((kind, key, version), set())
        if len(seen) >= MOST or len(data) in seen or len(data) > LONGEST:
            return
        seen.add(len(data))
        name = f"{key:02}-v{version:02}-{kind}-{len(seen)}"
        if kind == "request":
            write(folder, "frames", name, b"\0" + data)
            write(folder, "requests", name, HOUSE + struct.pack(">i", len(data)) + data)
        else:
            write(folder, "frames", name, b"\1" + struct.pack(">hh", key, version) + data)


def write(folder, target, name, data):
    os.makedirs(os.path.join(folder, target), exist_ok=True)
    with open(os.path.join(folder, target, name), "wb") as file:
        file.write(data)


def pump(source, sink, whole):
    """Passes on what comes, and calls `whole` with each frame, without its length."""
    buffered = b""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
            buffered += data
            while len(buffered) >= 4:
                length = struct.unpack(">i", buffered[:4])[0]
                if len(buffered) < 4 + length:
                    break
                whole(buffered[4 : 4 + length])
                buffered = buffered[4 + length :]
    except OSError:
        pass
    for each in (source, sink):
        try:
            each.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(client, broker_port, folder):
    try:
        broker = socket.create_connection(("127.0.0.1", broker_port))
    except OSError:
        client.close()
        return
    sent = {}

    def request(frame):
        key, version, correlation = struct.unpack(">hhi", frame[:8])
        sent[correlation] = (key, version)
        keep(folder, "request", key, version, frame)

    def answer(frame):
        correlation = struct.unpack(">i", frame[:4])[0]
        key, version = sent.pop(correlation, (None, None))
        if key is not None:
            keep(folder, "answer", key, version, frame[4:])

    threading.Thread(target=pump, args=(client, broker, request), daemon=True).start()
    threading.Thread(target=pump, args=(broker, client, answer), daemon=True).start()


def main():
    listen_port, broker_port, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    listener = socket.create_server(("127.0.0.1", listen_port))
    while True:
        client, _ = listener.accept()
        serve(client, broker_port, folder)


main()
