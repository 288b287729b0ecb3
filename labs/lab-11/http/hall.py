#!/usr/bin/python3 -I
"""A server for one client: what the client sends is printed, what standard input brings is sent.

    hall.py PORT

Prints `sent N` after each piece, N being all bytes so far. At the end of its standard input it closes the connection
and ends; when the client closes first, it ends, too.
"""

import os
import selectors
import socket
import sys

PIECE_BYTES = 1 << 16


def first_client(port):
    """The first one that comes."""
    with socket.create_server(("", port)) as listener:
        return listener.accept()[0]


def send_piece(client, sent):
    """How much was sent in all, with what standard input had; None at its end."""
    piece = os.read(sys.stdin.fileno(), PIECE_BYTES)
    if not piece:
        return None
    client.sendall(piece)
    os.write(sys.stdout.fileno(), b"sent %d\n" % (sent + len(piece)))
    return sent + len(piece)


def talk(client):
    """Copy both ways until one side is at its end."""
    ready = selectors.DefaultSelector()
    ready.register(sys.stdin, selectors.EVENT_READ)
    ready.register(client, selectors.EVENT_READ)
    sent = 0
    while sent is not None:
        for key, _ in ready.select():
            if key.fileobj is not client:
                sent = send_piece(client, sent)
            elif piece := client.recv(PIECE_BYTES):
                os.write(sys.stdout.fileno(), piece)
            else:
                return


def main(port):
    """Let one client in and talk."""
    with first_client(int(port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each piece is a packet of its own
        try:
            talk(client)
        except ConnectionError:
            return


main(*sys.argv[1:])
