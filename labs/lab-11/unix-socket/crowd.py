#!/usr/bin/python3 -I
"""Many clients of the server at once, which are silent for a while and then say something one after the other.

    crowd.py PATH NUMBER

Prints `connected` when all are; silent from the end of its standard input on, for a while. Prints `right` when each of
them got its own bytes back, in upper case.
"""

import contextlib
import socket
import sys
import time

SILENCE_S = 0.3


def connected(path):
    """A connection to the server."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    return client


def received(client, length):
    """So many bytes; fewer when the server closes the connection."""
    return client.makefile("rb").read(length)


def served(client, number):
    """Whether a client gets its own bytes back."""
    text = b"client %d" % number
    with contextlib.suppress(ConnectionError):
        client.sendall(text)
        return received(client, len(text)) == text.upper()
    return False


def main(path, number):
    """Connect, be silent, talk."""
    clients = [connected(path) for _ in range(int(number))]
    print("connected", flush=True)
    sys.stdin.read()
    time.sleep(SILENCE_S)
    print("right" if all(served(client, number) for number, client in enumerate(clients)) else "not served")


main(*sys.argv[1:])
