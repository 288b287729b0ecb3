#!/usr/bin/python3 -I
"""Sends datagrams to a port where nobody listens: noise.py ADDRESS PORT COUNT SIZE. ADDRESS is IPv4 or IPv6."""

import contextlib
import socket
import sys

address, port, count, size = sys.argv[1], *map(int, sys.argv[2:])
sender = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(count):
    with contextlib.suppress(ConnectionRefusedError):
        sender.sendto(bytes(size), (address, port))
