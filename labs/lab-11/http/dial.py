#!/usr/bin/python3 -I
"""A client, byte by byte: what standard input brings is sent as it comes, and what the server sends is printed.

    dial.py ADDRESS PORT

Prints `connected`, and `sent N` after each piece, N being all bytes so far. Ends when either side is at its end.
"""

import os
import selectors
import socket
import sys

PIECE_BYTES = 1 << 16


def talk(server):
    """Copy both ways until one side is at its end."""
    ready = selectors.DefaultSelector()
    ready.register(sys.stdin, selectors.EVENT_READ)
    ready.register(server, selectors.EVENT_READ)
    sent = 0
    while True:
        for key, _ in ready.select():
            if key.fileobj is not server:
                piece = os.read(sys.stdin.fileno(), PIECE_BYTES)
                if not piece:
                    return
                server.sendall(piece)
                sent += len(piece)
                os.write(sys.stdout.fileno(), b"sent %d\n" % sent)
            elif piece := server.recv(PIECE_BYTES):
                os.write(sys.stdout.fileno(), piece)
            else:
                return


def main(address, port):
    """Connect and talk."""
    with socket.create_connection((address, int(port))) as server:
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each piece is a packet of its own
        os.write(sys.stdout.fileno(), b"connected\n")
        try:
            talk(server)
        except ConnectionError:
            return


main(*sys.argv[1:])
