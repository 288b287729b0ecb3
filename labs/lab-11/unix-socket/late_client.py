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

PATIENCE_S = 0.5
MOST_KEPT_BYTES = 1 << 20
"""What a server may keep for one client."""
MOST_BUFFERS = 4
"""Socket buffers of the size that ours has: one for each direction, and the server may have made its own larger."""


def numbered_lines():
    """Endless text in which every place is different: a gap anywhere shows."""
    return (f"line {number}\n".encode() for number in itertools.count())


def most_bytes(server):
    """What can be under way: who takes more without an answer being read keeps more than it may."""
    return MOST_KEPT_BYTES + MOST_BUFFERS * server.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)


def fill(server, most):
    """What went into the socket until it took no more, or at least `most` bytes."""
    server.setblocking(False)
    sent = bytearray()
    lines = numbered_lines()
    piece = b""
    while len(sent) < most and select.select([], [server], [], PATIENCE_S)[1]:
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
        most = most_bytes(server)
        sent = fill(server, most)
        print("stuck" if len(sent) < most else "swallowed", flush=True)
        sys.stdin.read()
        server.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: server.recv(1 << 16), b""))
    print("right" if answer == sent.upper() else f"{len(sent)} bytes sent, {len(answer)} came back, or others")


main(*sys.argv[1:])
