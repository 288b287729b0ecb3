#!/usr/bin/python3 -I
"""A server for one client, over IPv4 (4), IPv6 (6) or both (46), that does as it is told on standard input.

    hall.py PORT FAMILIES

Prints `listening`, then `come` when somebody has; then obeys `say TEXT`, `reset` and `close`, and ends with either.
"""

import select
import socket
import struct
import sys

FAMILIES = {"4": socket.AF_INET, "6": socket.AF_INET6}


def first_client(port, families):
    """The first one that comes to any of the listening sockets, which are for one family each."""
    listeners = [socket.create_server(("", int(port)), family=FAMILIES[one]) for one in families]
    print("listening", flush=True)
    client, _ = select.select(listeners, [], [])[0][0].accept()
    for one in listeners:
        one.close()
    print("come", flush=True)
    return client


def main(port, families):
    """Let one client in and obey."""
    with first_client(port, families) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        command = ""
        for line in sys.stdin:
            command, _, text = line.rstrip("\n").partition(" ")
            if command != "say":
                break
            client.sendall(text.encode())
        if command == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))


main(*sys.argv[1:])
