#!/usr/bin/python3 -I
"""Many clients of the server at once, which are silent for a while and then say something one after the other.

    crowd.py ADDRESS PORT NUMBER

Prints `connected` when all are; silent from the end of its standard input on, for a while. Prints `right` when each of
them got its own message back, in reverse.
"""

import contextlib
import socket
import struct
import sys
import time

SILENCE_S = 0.3


def received(client, length):
    """So many bytes; fewer when the server closes the connection."""
    return client.makefile("rb").read(length)


def served(client, number):
    """Whether a client gets the answer to its own message."""
    text = b"client %d" % number
    length = struct.pack("!I", len(text))
    with contextlib.suppress(ConnectionError):
        client.sendall(length + text)
        return received(client, len(length + text)) == length + text[::-1]
    return False


def main(address, port, number):
    """Connect, be silent, talk."""
    clients = [socket.create_connection((address, int(port))) for _ in range(int(number))]
    print("connected", flush=True)
    sys.stdin.read()
    time.sleep(SILENCE_S)
    print("right" if all(served(client, number) for number, client in enumerate(clients)) else "not served")


main(*sys.argv[1:])
