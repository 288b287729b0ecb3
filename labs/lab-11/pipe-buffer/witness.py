"""Looks into a pipe that others have, through /proc/PID/fd, which is for root only.

    witness.py END                how many bytes are in it, and how many fit in
    witness.py END take BYTES     takes so many out, and prints them
    witness.py END put TEXT       puts a text in

The checks run it as root, with `python3 -c`.
"""

import fcntl
import os
import struct
import sys
import termios


def held(end):
    """How many bytes are in the pipe."""
    return struct.unpack("i", fcntl.ioctl(end, termios.FIONREAD, bytes(4)))[0]


def main(path, what="look", argument=""):
    """Open one end of the pipe once more, and do what was asked for."""
    end = os.open(path, (os.O_WRONLY if what == "put" else os.O_RDONLY) | os.O_NONBLOCK)
    if what == "look":
        print(held(end), fcntl.fcntl(end, fcntl.F_GETPIPE_SZ))
    elif what == "take":
        sys.stdout.buffer.write(os.read(end, int(argument)))
    else:
        os.write(end, argument.encode())


main(*sys.argv[1:])
