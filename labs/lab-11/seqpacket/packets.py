#!/usr/bin/python3 -I
"""Plays clients and keepers as it is told on its standard input: a JSON list a line, a method of `Puppet`, arguments.

Prints what the method gives as JSON, a line each. Connections and descriptors have names, which the check chooses.
"""

import array
import json
import os
import socket
import sys

MOST_BYTES, MOST_FDS = 4096, 16
STUCK_S = 1.0
"""A packet that has not gone by then is stuck."""


class Puppet:
    """Sockets and files, by name."""

    def __init__(self):
        self.sockets = {}
        self.fds = {}

    def connect(self, path, *names):
        """A connection of each name; this process's id."""
        for name in names:
            self.sockets[name] = packets()
            self.sockets[name].connect(path)
        return os.getpid()

    def listen(self, path):
        """A listening socket that all of the group may use."""
        self.sockets["listener"] = packets()
        self.sockets["listener"].bind(path)
        os.chmod(path, 0o660)  # noqa: PTH101
        self.sockets["listener"].listen()

    def accept(self, name):
        """The next who connects."""
        self.sockets[name], _ = self.sockets["listener"].accept()

    def send(self, name, text, *fds):
        """One packet with descriptors."""
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [self.fds[fd] for fd in fds]))] if fds else []
        self.sockets[name].sendmsg([text.encode("latin-1")], rights, socket.MSG_NOSIGNAL)

    def send_from_a_child(self, name, text, *fds):
        """The same, sent by a process that has not connected; its id."""
        child = os.fork()
        if child == 0:
            self.send(name, text, *fds)
            os._exit(0)
        os.waitpid(child, 0)
        return child

    def receive(self, name, *fds):
        """The next packet, and how many descriptors came with it, which get these names; None for the end."""
        connection = self.sockets[name]
        try:
            text, rights, _, _ = connection.recvmsg(MOST_BYTES, socket.CMSG_SPACE(4 * MOST_FDS))
        except ConnectionError:
            return None
        got = array.array("i")
        for _, _, data in rights:
            got.frombytes(data)
        self.fds.update(zip(fds, got, strict=False))
        return [text.decode("latin-1"), len(got)] if text else None

    def pipe(self, fd, text):
        """The end for reading of a pipe that holds `text`; its inode."""
        self.fds[fd], writing = os.pipe()
        os.write(writing, text.encode())
        os.close(writing)
        return self.inode(fd)

    def file(self, fd, path, text, offset):
        """A file that nobody else may open, read up to `offset`; its inode."""
        self.fds[fd] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        os.write(self.fds[fd], text.encode())
        os.lseek(self.fds[fd], offset, os.SEEK_SET)
        return self.inode(fd)

    def inode(self, fd):
        """Of what a descriptor refers to, or of a connection."""
        return os.fstat(self.sockets[fd].fileno() if fd in self.sockets else self.fds[fd]).st_ino

    def offset(self, fd):
        """How far the file has been read."""
        return os.lseek(self.fds[fd], 0, os.SEEK_CUR)

    def shut(self, name):
        """No more packets go out."""
        self.sockets[name].shutdown(socket.SHUT_WR)

    def close(self, *names):
        """These connections and descriptors."""
        for name in names:
            if name in self.sockets:
                self.sockets.pop(name).close()
            else:
                os.close(self.fds.pop(name))

    def flood(self, name, text):
        """Sends this again and again and never reads: `closed` when the other end is, `stuck` when nothing goes."""
        self.sockets[name].settimeout(STUCK_S)
        try:
            while True:
                self.send(name, text)
        except TimeoutError:
            return "stuck"
        except ConnectionError:
            return "closed"


def packets():
    """A socket."""
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def main():
    """Until standard input ends."""
    puppet = Puppet()
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        print(json.dumps(getattr(puppet, method)(*arguments)), flush=True)


main()
