"""What to start in a container: program, arguments, user, limits."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

KIB = 1024


class Pipe(Enum):
    """A standard input that is neither empty nor given in full."""

    PIPE = "pipe"


PIPE: Final = Pipe.PIPE
"""Standard input stays open; `Process.write` fills it and `Process.close_stdin` ends it."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program to start, and everything that it inherits. Nothing of our own environment is passed on."""

    argv: tuple[str, ...]
    """The program's path and its arguments; bytes that are not UTF-8 as lone surrogates, like `os.fsdecode`."""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "/"
    uid: int = 1000
    gid: int = 1000
    umask: int = 0o007
    stdin: bytes | Pipe | None = None
    """Bytes that it can read, then end of file; `PIPE`; or None for /dev/null."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """Resource limits, soft and hard: `{"nofile": 64, "core": 0}`, named like RLIMIT_NOFILE. See setrlimit(2)."""
    grants: tuple[str, ...] = ()
    """Capabilities that it has though its user has none, `net_raw`; its container must have them. capabilities(7)."""
    cpus: tuple[int, ...] = ()
    """The processors that it may run on; all when empty. See sched_setaffinity(2)."""
    deadline_s: float | None = None
    """When the agent kills it with everything that it started; None leaves it running until it is killed."""
    output_cap: int = 256 * KIB
    """Bytes kept of each output stream, the first half and the last half of them."""
    output_kill: int | None = None
    """Bytes of output after which it is killed; None never kills it for that."""
    name: str = ""
    """What reports call it; the program's file name when empty."""

    @property
    def title(self) -> str:
        """What reports call it."""
        return self.name or os.path.basename(self.argv[0])  # noqa: PTH119  a path in the container, not of ours

    @property
    def payload(self) -> bytes:
        """What its standard input holds from the beginning."""
        return self.stdin if isinstance(self.stdin, bytes) else b""

    def wire(self) -> dict[str, object]:
        """The fields of the agent's `spawn` request."""
        return {
            "argv": list(self.argv),
            "env": dict(self.env),
            "cwd": self.cwd,
            "uid": self.uid,
            "gid": self.gid,
            "umask": self.umask,
            "stdin": None if self.stdin is None else "pipe",
            "stdin_open": self.stdin is PIPE,
            "limits": dict(self.limits),
            "grants": list(self.grants),
            "cpus": list(self.cpus),
            "deadline_s": self.deadline_s,
            "output_cap": self.output_cap,
            "output_kill": self.output_kill,
            "name": self.title,
        }
