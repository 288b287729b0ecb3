#!/usr/bin/python3 -I
"""A writer that knows nothing of lines: puts its standard input into a FIFO as it is.

    raw_writer.py PATH pieces     each piece as it comes
    raw_writer.py PATH at-once    all of it by one write() at the end

After each write() it prints how many bytes the FIFO took.
"""

import os
import sys

PIECE_BYTES = 4096


def pieces():
    """What standard input gives, as it comes."""
    return iter(lambda: os.read(sys.stdin.fileno(), PIECE_BYTES), b"")


def main(path, how):
    """Open the FIFO, then copy until standard input ends."""
    fifo = os.open(path, os.O_WRONLY)
    for piece in {"pieces": pieces, "at-once": lambda: [b"".join(pieces())]}[how]():
        print(os.write(fifo, piece), "bytes", flush=True)


main(*sys.argv[1:])
