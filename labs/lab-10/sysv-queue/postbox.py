#!/usr/bin/python3 -I
"""Puts messages into a System V queue and takes them out, as it is told on its standard input, one command a line.

    postbox.py KEY

make MODE         a new queue under KEY
find              the queue that is there
send TYPE TEXT    TEXT, which may be empty, as it is
take TYPE         prints `took TYPE TEXT`, or `nothing`
mode MODE         the queue's from now on
remove

Prints `done COMMAND` after each.
"""

import ctypes
import os
import sys

IPC_CREAT, IPC_EXCL, IPC_NOWAIT, IPC_RMID, IPC_SET, IPC_STAT = 0o1000, 0o2000, 0o4000, 0, 1, 2
MOST_BYTES = 1 << 14
libc = ctypes.CDLL(None, use_errno=True)
libc.msgrcv.restype = ctypes.c_ssize_t
libc.msgrcv.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long, ctypes.c_int]
libc.msgsnd.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class Message(ctypes.Structure):
    """The longest that is taken or sent."""

    _fields_ = (("type", ctypes.c_long), ("text", ctypes.c_char * MOST_BYTES))


class About(ctypes.Structure):
    """struct msqid_ds: what is set of it."""

    _fields_ = (("ids", ctypes.c_uint * 5), ("mode", ctypes.c_ushort), ("_", ctypes.c_char * 256))


class Postbox:
    """A queue under a key."""

    def __init__(self, key):
        self.key = int(key)
        self.id = -1

    def make(self, mode):
        """A new queue."""
        self.id = checked(libc.msgget(self.key, IPC_CREAT | IPC_EXCL | int(mode, 8)))

    def find(self):
        """The one that is there."""
        self.id = checked(libc.msgget(self.key, 0))

    def send(self, kind, text=""):
        """One message."""
        message = Message(int(kind), text.encode())
        checked(libc.msgsnd(self.id, ctypes.byref(message), len(text), IPC_NOWAIT))

    def take(self, kind):
        """One message, if there is one."""
        message = Message()
        length = libc.msgrcv(self.id, ctypes.byref(message), MOST_BYTES, int(kind), IPC_NOWAIT)
        if length == -1:
            print("nothing")
        else:
            text = ctypes.string_at(ctypes.addressof(message) + Message.text.offset, length)
            print("took", message.type, text.decode("latin-1"))

    def mode(self, mode):
        """Who may use it."""
        about = About()
        checked(libc.msgctl(self.id, IPC_STAT, ctypes.byref(about)))
        about.mode = int(mode, 8)
        checked(libc.msgctl(self.id, IPC_SET, ctypes.byref(about)))

    def remove(self):
        """The queue and all that is in it."""
        checked(libc.msgctl(self.id, IPC_RMID, None))


def checked(result):
    """A call's result; ends the program when it is -1."""
    if result == -1:
        sys.exit(os.strerror(ctypes.get_errno()))
    return result


def main(key):
    """Until standard input ends."""
    postbox = Postbox(key)
    for line in sys.stdin:
        name, *words = line.rstrip("\n").split(" ", 2)
        getattr(postbox, name)(*words)
        print("done", name, flush=True)


main(*sys.argv[1:])
