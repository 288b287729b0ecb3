#!/usr/bin/python3 -I
"""A client of the server that sends without reading, as much as goes in, and reads when it is told to.

    late_client.py PATH

Prints `stuck` when its socket has taken nothing for a while, or `swallowed` when it has taken far too much. At the end
of its standard input it tells the server that no more will come, reads what the server sends, and prints `right` when
that is what it sent, in upper case.
"""

import itertools
import select
import socket
import sys

PATIENCE_S = 0.3
MOST_BYTES = 4 << 20
"""A server that takes more than this without an answer being read keeps it all in memory."""


def numbered_lines():
    """Endless text in which every place is different: a gap anywhere shows."""
    return (f"line {number}\n".encode() for number in itertools.count())


def fill(server):
    """What went into the socket until it took no more."""
    server.setblocking(False)
    sent = bytearray()
    lines = numbered_lines()
    piece = b""
    while len(sent) < MOST_BYTES and select.select([], [server], [], PATIENCE_S)[1]:
        piece = piece or b"".join(itertools.islice(lines, 5000))
        taken = server.send(piece)
        sent += piece[:taken]
        piece = piece[taken:]
    server.setblocking(True)
    return bytes(sent)


def main(path):
    """Send, wait for the end of standard input, read."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        sent = fill(server)
        print("stuck" if len(sent) < MOST_BYTES else "swallowed", flush=True)
        sys.stdin.read()
        server.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: server.recv(1 << 16), b""))
    print("right" if answer == sent.upper() else f"{len(sent)} bytes sent, {len(answer)} came back, or others")


main(*sys.argv[1:])
