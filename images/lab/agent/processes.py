"""Process facts: what the kernel says of a process, and in which namespaces it is. See proc(5), namespaces(7)."""

from __future__ import annotations

import blocked
import proc
import usage
from kind import Kind
from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kind import Fact
    from match import Match
    from proc import Stat
    from scan import Scan

MOST_OF_PROGRAM = 16
NAMESPACES = ("ipc", "net", "pid", "mnt", "uts", "user", "cgroup")


def _find(scan: Scan, match: Match) -> list[Fact]:
    """The programs' processes, or the one whose `pid` must match: what /proc/PID/stat says of them."""
    return [_fact(scan, stat) for stat in _wanted(scan, match)]


def _wanted(scan: Scan, match: Match) -> list[Stat]:
    """The processes to look at."""
    pid = match.value("pid")
    if not isinstance(pid, int):
        return scan.programs
    stat = scan.stat(pid)
    return [] if stat is None else [stat]


def _fact(scan: Scan, stat: Stat) -> Fact:
    """What costs one look."""
    number = scan.program_of(stat.pid)
    return {
        "pid": stat.pid,
        "ppid": stat.ppid,
        "pgid": stat.pgid,
        "sid": stat.sid,
        "comm": as_text(stat.comm),
        "state": _state(stat),
        "threads": stat.threads,
        "utime_s": stat.utime / usage.TICKS_PER_S,
        "stime_s": stat.stime / usage.TICKS_PER_S,
        "start_ticks": stat.start,
        "proc": number or None,
        "ours": number is not None,
    }


def _state(stat: Stat) -> str:
    """That of its first thread; when this one has stopped, that of one that has not yet, if there is one."""
    if stat.state != "T" or stat.threads == 1:
        return stat.state
    threads = map(proc.stat, proc.threads(stat.pid))  # proc(5): a thread has such a file, too, though it is not listed
    return next((one.state for one in threads if one is not None and one.state in "RSD"), stat.state)


def _complete(scan: Scan, facts: list[Fact]) -> None:
    """Add what costs a look at each of a process's other files."""
    for fact in facts:
        pid = fact["pid"]
        wchan = proc.read(f"/proc/{pid}/wchan")
        call = blocked.of(f"/proc/{pid}")
        # After the call: a process that has come to a lock in shared memory meanwhile had mapped it before that.
        mappings = scan.mappings(pid)
        fact.update(_status(proc.read(f"/proc/{pid}/status")))
        if fact["threads"] > 1:  # /proc/PID/status counts those of the first thread
            fact["voluntary_switches"], fact["involuntary_switches"] = usage.switches(pid)
        fact.update(
            argv=[as_text(word) for word in scan.argv(pid)],
            exe=as_text(proc.link(f"/proc/{pid}/exe")) or None,
            wchan=None if wchan in (b"", b"0") else as_text(wchan),
            syscall=None if call is None else call.fields(mappings),
            fds=[descriptor.fields() for descriptor in scan.descriptors(pid)],
            maps=[mapping.fields() for mapping in mappings],
            here=proc.namespace(pid, "mnt") == scan.vantage.mnt,
        )


def _status(text: bytes) -> Fact:
    """Users, context switches and signals, from /proc/PID/status; null, 0, empty for one that is gone."""

    def value(name: bytes) -> bytes | None:
        start = text.find(b"\n" + name + b":\t")
        return text[start + len(name) + 3 :].split(None, 1)[0] if start >= 0 else None

    def number(name: bytes) -> int | None:
        found = value(name)
        return None if found is None else int(found)

    def signals(*names: bytes) -> list[int]:
        mask = 0
        for name in names:
            mask |= int(value(name) or b"0", 16)
        return [bit + 1 for bit in range(mask.bit_length()) if mask >> bit & 1]

    return {
        "uid": number(b"Uid"),
        "gid": number(b"Gid"),
        "voluntary_switches": number(b"voluntary_ctxt_switches") or 0,
        "involuntary_switches": number(b"nonvoluntary_ctxt_switches") or 0,
        "sig": {
            "pending": signals(b"SigPnd", b"ShdPnd"),
            "blocked": signals(b"SigBlk"),
            "ignored": signals(b"SigIgn"),
            "caught": signals(b"SigCgt"),
        },
    }


def of_program(scan: Scan, number: int) -> list[Fact]:
    """The facts of a program's processes, at most the first 16: a fork bomb's are all alike."""
    members = [stat for stat in scan.programs if scan.program_of(stat.pid) == number]
    facts = [_fact(scan, stat) for stat in members[:MOST_OF_PROGRAM]]
    _complete(scan, facts)
    return facts


def namespaces_of(pid: int | str) -> dict[str, int | None]:
    """The inode numbers of the namespaces that a process is in."""
    return {kind: proc.namespace(pid, kind) for kind in NAMESPACES}


def _find_namespaces(scan: Scan, match: Match) -> list[Fact]:
    """One fact for each process; that of the PID namespace is called `pid_ns`, as `pid` is the process."""
    facts = []
    for stat in _wanted(scan, match):
        found = namespaces_of(stat.pid)
        facts.append({"pid": stat.pid, "pid_ns": found.pop("pid"), **found})
    return facts


PROCESS = Kind(
    "process",
    "pid ppid pgid sid uid gid comm argv exe state threads utime_s stime_s voluntary_switches involuntary_switches"
    " start_ticks wchan syscall fds maps sig proc ours here",
    _find,
    _complete,
)
PROCESS_NAMESPACES = Kind("namespaces", "pid ipc net pid_ns mnt uts user cgroup", _find_namespaces)
