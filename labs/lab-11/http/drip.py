#!/usr/bin/python3 -I
"""A client that has its answer and never stops sending.

    drip.py ADDRESS PORT TARGET

Asks for TARGET, and when the answer and its end have come, sends a byte every so often for as long as the connection
lasts. Prints `more` after the first of them, and at last `ended SECONDS`, counted from the end of the answer. It stays
no longer than LONGEST_S.
"""

import contextlib
import socket
import sys
import time

EVERY_S = 0.01
LONGEST_S = 6.0


def drip(server, began):
    """Send, until there is nobody any more."""
    server.sendall(b"x")
    print("more", flush=True)
    while time.monotonic() < began + LONGEST_S:
        time.sleep(EVERY_S)
        server.sendall(b"x")


def main(address, port, target):
    """Ask, hear, go on."""
    with socket.create_connection((address, int(port))) as server, contextlib.suppress(ConnectionError):
        server.sendall(f"GET {target} HTTP/1.0\r\n\r\n".encode())
        while server.recv(1 << 16):
            pass
        began = time.monotonic()
        drip(server, began)
    print(f"ended {time.monotonic() - began:.3f}", flush=True)


main(*sys.argv[1:])
