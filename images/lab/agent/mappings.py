"""Mappings: the memory that processes share with others, as /proc/PID/maps shows it."""

from __future__ import annotations

import os

import proc
from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 1024
"""Shared mappings of one process that are looked at."""
SHARED = ord("s")
DELETED = b" (deleted)"


class Mapping:
    """One shared mapping. Of a System V segment `ino` is its id and the target begins with `/SYSV`."""

    __slots__ = ("dev", "ino", "perms", "size", "start", "target")

    def __init__(self, line: bytes) -> None:
        """Take a line apart: `7f1c4000-7f1c5000 rw-s 00000000 00:01 3    /SYSV0000162e (deleted)`."""
        fields = line.split(None, 5)
        start, _, end = fields[0].partition(b"-")
        major, _, minor = fields[3].partition(b":")  # in hexadecimal, unlike everywhere else
        self.start = int(start, 16)
        self.size = int(end, 16) - self.start
        self.perms = fields[1].decode("ascii")
        self.dev = os.makedev(int(major, 16), int(minor, 16))
        self.ino = int(fields[4])
        self.target = fields[5] if len(fields) > 5 else b""

    def fields(self) -> dict[str, Any]:
        """It as part of a fact."""
        return {
            "target": as_text(self.target),
            "perms": self.perms,
            "dev": self.dev,
            "ino": self.ino,
            "start": self.start,
            "size": self.size,
        }


def of(pid: int) -> list[Mapping]:
    """The shared mappings of a process; empty when it is gone or out of reach."""
    lines = proc.read(f"/proc/{pid}/maps").split(b"\n")[:-1]
    return [Mapping(line) for line in lines if line[line.index(b" ") + 4] == SHARED][:MOST]
