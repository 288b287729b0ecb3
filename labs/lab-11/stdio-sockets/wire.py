#!/usr/bin/python3 -I
"""Plays clients and servers as it is told on its standard input: a JSON list a line, a method of `Puppet`, arguments.

Prints what the method gives as JSON, a line each. Connections have names, which the check chooses.
"""

import hashlib
import json
import socket
import struct
import sys
import time

PIECE_BYTES = 1 << 16
SOON_S = 0.002


class Puppet:
    """TCP sockets, by name."""

    def __init__(self):
        self.sockets = {}

    def connect(self, address, port, *names):
        """A connection of each name; the ports at this end."""
        for name in names:
            self.sockets[name] = socket.create_connection((address, port))
        return [self.sockets[name].getsockname()[1] for name in names]

    def listen(self, port):
        """A listening socket."""
        self.sockets["listener"] = socket.create_server(("", port))

    def accept(self, name):
        """The next who connects."""
        self.sockets[name], _ = self.sockets["listener"].accept()
        self.sockets[name].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, name, text, times=1):
        """Text, so many times."""
        self.sockets[name].sendall(text.encode("latin-1") * times)

    def receive(self, name, size):
        """So many bytes, or what there is before the end."""
        got = b""
        while len(got) < size and (piece := self.sockets[name].recv(min(PIECE_BYTES, size - len(got)))):
            got += piece
        return got.decode("latin-1")

    def digest(self, name, size):
        """How many bytes these were, and their SHA-256."""
        got = self.receive(name, size).encode("latin-1")
        return [len(got), hashlib.sha256(got).hexdigest()]

    def line(self, name):
        """One line, or what there is before the end."""
        got = ""
        while not got.endswith("\n") and (one := self.receive(name, 1)):
            got += one
        return got

    def answer(self, name, text, times):
        """Waits for so many lines and answers each with this, but not so soon that nobody had to sleep for it."""
        for _ in range(times):
            self.line(name)
            time.sleep(SOON_S)
            self.send(name, text)

    def shut(self, name):
        """Says that this was all, and goes on listening."""
        self.sockets[name].shutdown(socket.SHUT_WR)

    def close(self, *names):
        """Ends connections."""
        for name in names:
            self.sockets.pop(name).close()

    def reset(self, name):
        """Breaks a connection: the other end gets an error."""
        self.sockets[name].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(name)


def main():
    """Until standard input ends."""
    puppet = Puppet()
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        print(json.dumps(getattr(puppet, method)(*arguments)), flush=True)


main()
