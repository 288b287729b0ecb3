#!/usr/bin/python3 -I
"""Takes one TCP connection and all that comes through it.

    sink.py PORT open|shut

shut: has a small buffer and reads nothing before it is told `open` on its standard input; `leave` resets the
connection, `close` ends it as usual.
Prints `ready`, `connected`, and `got BYTES` when the connection has ended.
"""

import socket
import struct
import sys

SMALL = 4096
NOW = struct.pack("ii", 1, 0)
"""For SO_LINGER: close() resets the connection."""


def main(port, how):
    """One connection."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if how == "shut":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    listening.bind(("", int(port)))
    listening.listen()
    print("ready", flush=True)
    connection, _ = listening.accept()
    print("connected", flush=True)
    told = sys.stdin.readline() if how == "shut" else "open\n"
    if told == "leave\n":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NOW)
    if told != "open\n":
        connection.close()
        return
    got = 0
    while data := connection.recv(1 << 16):
        got += len(data)
    print("got", got, flush=True)


main(*sys.argv[1:])
