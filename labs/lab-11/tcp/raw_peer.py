#!/usr/bin/python3 -I
"""One end of a TCP connection, byte by byte: what is read goes out as it comes, and what comes in is printed.

    raw_peer.py connect ADDRESS PORT
    raw_peer.py listen PORT

After each piece it prints `sent N`, N being all bytes so far. Ends when either side is at its end.
"""

import contextlib
import os
import selectors
import socket
import sys

PIECE_BYTES = 1 << 16


def connect(address, port):
    """A connection to a server."""
    return socket.create_connection((address, int(port)))


def listen(port):
    """A connection from the first client that comes."""
    with socket.create_server(("", int(port))) as listener:
        return listener.accept()[0]


def send_piece(peer, sent):
    """How much was sent in all, with what standard input had; None at its end."""
    piece = os.read(sys.stdin.fileno(), PIECE_BYTES)
    if not piece:
        return None
    peer.sendall(piece)
    os.write(sys.stdout.fileno(), b"sent %d\n" % (sent + len(piece)))
    return sent + len(piece)


def receive_piece(peer):
    """Whether there was something to print."""
    piece = peer.recv(PIECE_BYTES)
    os.write(sys.stdout.fileno(), piece)
    return bool(piece)


def talk(peer):
    """Copy both ways until one side is at its end."""
    ready = selectors.DefaultSelector()
    ready.register(sys.stdin, selectors.EVENT_READ)
    ready.register(peer, selectors.EVENT_READ)
    sent = 0
    while sent is not None:
        for key, _ in ready.select():
            if key.fileobj is not peer:
                sent = send_piece(peer, sent)
            elif not receive_piece(peer):
                return


def main(how, *where):
    """Connect or listen, then talk."""
    with {"connect": connect, "listen": listen}[how](*where) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # each piece is a packet of its own
        with contextlib.suppress(ConnectionError):  # the other side closed with bytes of ours unread
            talk(peer)


main(*sys.argv[1:])
