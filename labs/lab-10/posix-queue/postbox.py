#!/usr/bin/python3 -I
"""Puts messages into a POSIX message queue and takes them out, as it is told on its standard input, one command a line.

    postbox.py NAME

make MAXMSG MSGSIZE    a new queue
find                   the queue that is there
send PRIORITY TEXT     TEXT, which may be empty, as it is
take                   prints `took PRIORITY TEXT`, or `nothing`
unlink

Prints `done COMMAND` after each.
"""

import ctypes
import os
import sys

MODE = 0o660
MOST_BYTES = 1 << 14
libc = ctypes.CDLL(None, use_errno=True)
libc.mq_receive.restype = ctypes.c_ssize_t
libc.mq_receive.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
libc.mq_send.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint]


class Attributes(ctypes.Structure):
    """struct mq_attr."""

    _fields_ = (
        *((name, ctypes.c_long) for name in ("flags", "maxmsg", "msgsize", "curmsgs")),
        ("_", ctypes.c_long * 4),
    )


class Postbox:
    """A queue of a name."""

    def __init__(self, name):
        self.name = name.encode()
        self.queue = -1

    def make(self, maxmsg, msgsize):
        """A new queue."""
        about = Attributes(0, int(maxmsg), int(msgsize))
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NONBLOCK
        self.queue = checked(libc.mq_open(self.name, flags, MODE, ctypes.byref(about)))

    def find(self):
        """The one that is there."""
        self.queue = checked(libc.mq_open(self.name, os.O_RDWR | os.O_NONBLOCK))

    def send(self, priority, text=""):
        """One message."""
        checked(libc.mq_send(self.queue, text.encode(), len(text), int(priority)))

    def take(self):
        """One message, if there is one."""
        text = ctypes.create_string_buffer(MOST_BYTES)
        priority = ctypes.c_uint()
        length = libc.mq_receive(self.queue, text, MOST_BYTES, ctypes.byref(priority))
        print("nothing" if length == -1 else f"took {priority.value} {text.raw[:length].decode('latin-1')}")

    def unlink(self):
        """The name goes."""
        checked(libc.mq_unlink(self.name))


def checked(result):
    """A call's result; ends the program when it is -1."""
    if result == -1:
        sys.exit(os.strerror(ctypes.get_errno()))
    return result


def main(name):
    """Until standard input ends."""
    postbox = Postbox(name)
    for line in sys.stdin:
        command, *words = line.rstrip("\n").split(" ", 2)
        getattr(postbox, command)(*words)
        print("done", command, flush=True)


main(*sys.argv[1:])
