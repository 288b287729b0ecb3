#!/usr/bin/python3 -I
"""Another process of the group, which only looks: how the work of a run goes on.

    raw_bank.py NAME

For each number on its standard input it waits until so many transfers more have been done than when it was asked, and
prints how many there are.
"""

import mmap
import os
import sys
import time
from struct import unpack_from

HEAD_BYTES, DONE_AT, WORKERS = 4096, 64, 16


def main(name):
    """Look every millisecond."""
    memory = mmap.mmap(os.open(f"/dev/shm{name}", os.O_RDONLY), HEAD_BYTES, prot=mmap.PROT_READ)

    def done():
        return sum(unpack_from(f"={WORKERS}Q", memory, DONE_AT))

    for line in sys.stdin:
        least = done() + int(line)
        while done() < least:
            time.sleep(0.001)
        print(done(), flush=True)


main(*sys.argv[1:])
