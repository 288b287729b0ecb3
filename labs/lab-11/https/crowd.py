#!/usr/bin/python3 -I
"""Many clients of the server at once that let it wait amid its handshake with them.

    crowd.py ADDRESS PORT NUMBER

NUMBER of them say nothing at all, one says half of its first word. Prints `connected` when all are, and goes at the end
of its standard input.
"""

import socket
import sys


def main(address, port, number):
    """Connect and wait."""
    clients = [socket.create_connection((address, int(port))) for _ in range(int(number) + 1)]
    clients[0].sendall(b"\x16\x03\x01\x02")
    print("connected", flush=True)
    sys.stdin.read()


main(*sys.argv[1:])
