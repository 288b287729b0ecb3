#!/usr/bin/python3 -I
"""A server for one client that answers whatever it is told to: what its standard input gives.

    raw_server.py PATH

Prints what the client sends, and ` that was all` when the client says so. Closes the connection at the end of its
standard input.
"""

import contextlib
import os
import selectors
import socket
import sys

PIECE_BYTES = 1 << 16
MODE = 0o660


def accept(path):
    """A connection from the first client that comes."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, MODE)  # noqa: PTH101  before anybody can connect
        listener.listen()
        client, _ = listener.accept()
    os.unlink(path)  # noqa: PTH108
    return client


def talk(client):
    """Copy both ways until there is nothing more to send."""
    ready = selectors.DefaultSelector()
    ready.register(sys.stdin, selectors.EVENT_READ)
    ready.register(client, selectors.EVENT_READ)
    while True:
        for key, _ in ready.select():
            if key.fileobj is client:
                piece = client.recv(PIECE_BYTES)
                os.write(sys.stdout.fileno(), piece or b" that was all")
                if not piece:
                    ready.unregister(client)
            elif piece := os.read(sys.stdin.fileno(), PIECE_BYTES):
                client.sendall(piece)
            else:
                return


def main(path):
    """Accept, then talk."""
    with accept(path) as client, contextlib.suppress(ConnectionError):
        talk(client)


main(*sys.argv[1:])
