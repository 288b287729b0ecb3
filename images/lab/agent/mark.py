"""Marks: how a process, however it was detached, is known to come from one program.

A mark is the program's number, written into a resource limit that fork(2) and execve(2) hand down: RLIMIT_LOCKS, which
Linux has not enforced since 2.4.25. A process can lower its limit and so spoil its mark; it can't raise one. Parents
tell more as long as they live; `family` asks them first.
"""

from __future__ import annotations

import resource

RLIMIT_LOCKS = 10  # asm-generic/resource.h; the module has no name for it
CEILING = 2**40


class Marks:
    """The marks of one agent: each program's is as much below a ceiling as its number says."""

    def __init__(self) -> None:
        """Take the ceiling from our own limit, so that an agent can run below another agent's program."""
        own = resource.getrlimit(RLIMIT_LOCKS)[1]
        self._ceiling = CEILING if own == resource.RLIM_INFINITY else own

    def put(self, number: int) -> None:
        """Mark this process, and all that will descend from it, as the program's."""
        mark = self._ceiling - number
        resource.setrlimit(RLIMIT_LOCKS, (mark, mark))

    def read(self, limits: bytes) -> int | None:
        """The program's number in a text of /proc/PID/limits; None when it has no mark of ours."""
        start = limits.find(b"Max file locks")
        words = limits[start:].split(None, 5) if start >= 0 else []
        if len(words) < 5 or not words[4].isdigit():
            return None
        number = self._ceiling - int(words[4])
        return number if number > 0 else None
