"""Descriptors: what the processes hold open, as /proc/PID/fd shows it.

Who shares an object with whom does not belong here.
"""

from __future__ import annotations

import os
import stat

from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 1024
"""Descriptors of one process that are looked at."""
KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
}


class Descriptor:
    """One open descriptor. `dev` and `ino` are 0 where they say nothing: a pipe and a socket have only `ino`."""

    __slots__ = ("dev", "fd", "ino", "kind", "mode", "target")

    def __init__(self, fd: int, target: bytes, mode: str, kind: str, identity: tuple[int, int]) -> None:
        """Keep what was found; `identity` is (dev, ino)."""
        self.fd = fd
        self.target = target
        self.mode = mode
        self.kind = kind
        self.dev, self.ino = identity

    def fields(self) -> dict[str, Any]:
        """It as part of a fact."""
        return {
            "fd": self.fd,
            "target": as_text(self.target),
            "mode": self.mode,
            "kind": self.kind,
            "ino": self.ino,
            "dev": self.dev,
        }


def of(pid: int, queues_dev: int) -> list[Descriptor]:
    """What a process holds open; empty when it is gone or out of reach. `queues_dev` is the device of POSIX queues."""
    try:
        folder = os.open(f"/proc/{pid}/fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:  # gone, or refused: empty, as promised
        return []
    try:
        names = sorted(os.listdir(folder), key=int)[:MOST]
        found = [_descriptor(name, folder, queues_dev) for name in names]
    except OSError:  # it ended in the meantime
        return []
    finally:
        os.close(folder)
    return [descriptor for descriptor in found if descriptor is not None]


def _descriptor(name: str, folder: int, queues_dev: int) -> Descriptor | None:
    """One descriptor; None when it was closed in the meantime."""
    try:
        target = os.readlink(name.encode("ascii"), dir_fd=folder)
        # The link's permissions are those that the descriptor was opened with; fdinfo says it at three times the cost.
        permissions = os.lstat(name, dir_fd=folder).st_mode
        mode = ("r" if permissions & 0o400 else "") + ("w" if permissions & 0o200 else "")
        if not target.startswith(b"/"):
            return Descriptor(int(name), target, mode, *_unnamed(target))
        status = os.stat(name, dir_fd=folder)
    except OSError:  # closed in the meantime
        return None
    kind = KINDS.get(stat.S_IFMT(status.st_mode), "anon")
    if status.st_dev == queues_dev and kind == "file":
        kind = "mqueue"
    return Descriptor(int(name), target, mode, kind, (status.st_dev, status.st_ino))


def _unnamed(target: bytes) -> tuple[str, tuple[int, int]]:
    """Kind and identity of something without a path: `pipe:[123]`, `socket:[456]`, `anon_inode:[eventfd]`."""
    kind, _, number = target.partition(b":[")
    if kind in (b"pipe", b"socket"):
        return kind.decode("ascii"), (0, int(number.rstrip(b"]")))
    return "anon", (0, 0)
