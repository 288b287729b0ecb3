"""System V facts: segments, semaphore sets and message queues, from /proc/sysvipc. See sysvipc(7), proc(5)."""

from __future__ import annotations

import proc
from kind import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kind import Fact
    from match import Match
    from scan import Scan

# The columns of the three files, in their order; `mode` is in octal and of a segment holds two flags more.
SHM = "key id mode size cpid lpid nattch uid gid cuid cgid atime dtime ctime rss swap"
SEM = "key id mode nsems uid gid cuid cgid otime ctime"
MSG = "key id mode cbytes qnum lspid lrpid uid gid cuid cgid stime rtime ctime"
SHM_DEST = 0o1000
SHM_LOCKED = 0o2000
NAME = b"/SYSV"


def _rows(file: str, columns: str) -> list[dict[str, Any]]:
    """The rows of a file as objects."""
    names = columns.split()
    rows = []
    for line in proc.read(f"/proc/sysvipc/{file}").split(b"\n")[1:-1]:
        fields = line.split()
        row = dict(zip(names, map(int, fields), strict=False))
        row["mode"] = int(fields[2], 8)
        rows.append(row)
    return rows


def _find_shm(_scan: Scan, _match: Match) -> list[Fact]:
    """The segments, with their flags apart from their mode."""
    rows = _rows("shm", SHM)
    for row in rows:
        flags = row["mode"]
        row["mode"] = flags & 0o777
        row["dest"] = bool(flags & SHM_DEST)
        row["locked"] = bool(flags & SHM_LOCKED)
    return rows


def _complete_shm(scan: Scan, facts: list[Fact]) -> None:
    """Add who has a segment attached. The kernel's count alone says when nobody can have."""
    holders: dict[int, list[int]] = {}
    if any(fact["nattch"] for fact in facts):
        for pid in scan.live:
            for number in _attached_to(scan, pid):
                holders.setdefault(number, []).append(pid)
    for fact in facts:
        fact["attached"] = holders.get(fact["id"], [])


def _attached_to(scan: Scan, pid: int) -> set[int]:
    """The ids of the segments that a process has attached; an id means nothing in another IPC namespace."""
    numbers = {mapping.ino for mapping in scan.mappings(pid) if mapping.target.startswith(NAME)}
    return numbers if numbers and proc.namespace(pid, "ipc") == scan.vantage.ipc else set()


SYSV_SHM = Kind("sysv_shm", f"{SHM} dest locked attached", _find_shm, _complete_shm)
SYSV_SEM = Kind("sysv_sem", SEM, lambda _scan, _match: _rows("sem", SEM))
SYSV_MSG = Kind("sysv_msg", MSG, lambda _scan, _match: _rows("msg", MSG))
