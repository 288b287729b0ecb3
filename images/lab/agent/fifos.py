"""Pipes with and without a name, and who holds which end. See fifo(7), pipe(7)."""

from __future__ import annotations

import blocked
from kind import Kind
from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kind import Fact
    from match import Match
    from scan import Scan

SLEEPING = "SD"


def _find_fifos(scan: Scan, _match: Match) -> list[Fact]:
    """The FIFOs below the folders that are looked through."""
    return [
        {
            "path": as_text(file.path),
            "dev": file.dev,
            "ino": file.ino,
            "mode": file.mode,
            "uid": file.uid,
            "gid": file.gid,
        }
        for file in scan.special_files
        if file.is_fifo
    ]


def _complete_fifos(scan: Scan, facts: list[Fact]) -> None:
    """Add who reads, who writes and who waits for somebody to do the other."""
    for fact in facts:
        fact["readers"], fact["writers"], fact["waiting"] = [], [], []
    for pid in scan.live:
        ends = {(one.dev, one.ino, end) for one in scan.descriptors(pid) if one.kind == "fifo" for end in one.mode}
        for fact in facts:
            identity = (fact["dev"], fact["ino"])
            if (*identity, "r") in ends:
                fact["readers"].append(pid)
            if (*identity, "w") in ends:
                fact["writers"].append(pid)
    for pid in _opening(scan):
        calls = blocked.opening(pid, _threads(scan, pid))
        for fact in facts:
            if any(call.opens((fact["dev"], fact["ino"])) for call in calls):
                fact["waiting"].append(pid)


def _opening(scan: Scan) -> list[int]:
    """The processes that may be blocked in open(2): those that sleep, or whose other threads may."""
    return [stat.pid for stat in scan.programs if stat.state in SLEEPING or stat.threads > 1]


def _threads(scan: Scan, pid: int) -> int:
    """How many threads a process has."""
    stat = scan.stat(pid)
    return stat.threads if stat is not None else 1


def _find_pipes(scan: Scan, _match: Match) -> list[Fact]:
    """The unnamed pipes that programs hold an end of. An end that an agent holds is nobody's here."""
    pipes: dict[int, Fact] = {}
    for pid in scan.live:
        for ino, mode in {(one.ino, one.mode) for one in scan.descriptors(pid) if one.kind == "pipe"}:
            pipe = pipes.setdefault(ino, {"ino": ino, "readers": [], "writers": []})
            pipe["readers" if mode == "r" else "writers"].append(pid)
    return list(pipes.values())


FIFO = Kind("fifo", "path dev ino mode uid gid readers writers waiting", _find_fifos, _complete_fifos)
PIPE = Kind("pipe", "ino readers writers", _find_pipes)
