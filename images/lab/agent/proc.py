"""The kernel's texts about processes, read whole from /proc and taken apart. See proc(5).

A process may end, or be out of our reach, at any moment: what can't be read is empty. Which processes to look at does
not belong here.
"""

from __future__ import annotations

import os

LIMIT_BYTES = 1024 * 1024
CHUNK_BYTES = 65_536
PF_KTHREAD = 0x00200000


class Stat:
    """What /proc/PID/stat says."""

    __slots__ = (
        *("comm", "flags", "pgid", "pid", "ppid", "sid", "start", "state", "threads"),
        *("children_stime", "children_utime", "stime", "utime"),
    )

    def __init__(self, pid: int, text: bytes) -> None:
        """Take the text apart; a name may hold spaces and parentheses, so it ends at the last one."""
        name_end = text.rindex(b")")
        fields = text[name_end + 2 :].split(None, 20)
        self.pid = pid
        self.comm = text[text.index(b"(") + 1 : name_end]
        self.state = fields[0].decode("ascii")
        self.ppid = int(fields[1])
        self.pgid = int(fields[2])
        self.sid = int(fields[3])
        self.flags = int(fields[6])
        self.utime = int(fields[11])
        self.stime = int(fields[12])
        self.children_utime = int(fields[13])
        self.children_stime = int(fields[14])
        self.threads = int(fields[17])
        self.start = int(fields[19])

    @property
    def alive(self) -> bool:
        """Whether it has not ended: its first thread may have, and be shown as a zombie, while others go on."""
        return self.state not in "ZXx" or self.threads > 1

    @property
    def key(self) -> tuple[int, int]:
        """What no other process has, also when process ids are used again."""
        return (self.pid, self.start)


def read(path: str, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """What a file of /proc says, up to a limit; empty when it is gone or we may not."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # gone, or refused: empty, as promised
        return b""
    try:
        return _read_all(fd, limit_bytes)
    except OSError:  # ESRCH: it ended in the meantime
        return b""
    finally:
        os.close(fd)


def _read_all(fd: int, limit_bytes: int) -> bytes:
    """All that comes, in as many chunks as it comes: the kernel gives a page at a time."""
    data = os.read(fd, CHUNK_BYTES)
    if not data:
        return data
    chunks = [data]
    size = len(data)
    while size < limit_bytes and (data := os.read(fd, CHUNK_BYTES)):
        chunks.append(data)
        size += len(data)
    return b"".join(chunks)[:limit_bytes] if len(chunks) > 1 else chunks[0]


def link(path: str) -> bytes:
    """Where a link of /proc points; empty when it is gone or we may not."""
    try:
        return os.readlink(path.encode("ascii"))
    except OSError:  # gone, or refused
        return b""


def pids() -> list[int]:
    """All processes that there are now."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def stat(pid: int) -> Stat | None:
    """What /proc/PID/stat says; None when there is no such process."""
    text = read(f"/proc/{pid}/stat")
    return Stat(pid, text) if text else None


def threads(pid: int) -> list[int]:
    """The ids of a process's threads; none when there is no such process."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except OSError:  # it is gone
        return []


def namespace(pid: int | str, kind: str) -> int | None:
    """The inode number of a namespace that a process is in: `ipc:[4026531839]`; None when it can't be read."""
    number = link(f"/proc/{pid}/ns/{kind}").rpartition(b"[")[2].rstrip(b"]")
    return int(number) if number.isdigit() else None


def argv(pid: int, limit_bytes: int = 4096) -> list[bytes]:
    """A process's arguments, the first `limit_bytes` of them; empty for one that has ended."""
    text = read(f"/proc/{pid}/cmdline", limit_bytes)
    return text.rstrip(b"\0").split(b"\0") if text else []
