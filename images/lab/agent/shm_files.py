"""POSIX shared memory and named semaphores: files in /dev/shm. See shm_overview(7), sem_overview(7).

An object is its device and inode; its names come and go, and sem_open(3) itself gives it another one first.
"""

from __future__ import annotations

import os
import stat
import struct

from kind import Kind
from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kind import Fact
    from match import Match
    from scan import Scan

FOLDER = "/dev/shm"
SEMAPHORE = "sem."
SEM_T = struct.Struct("=II")
"""The beginning of glibc's `struct new_sem` on 64 bits: the value, and how many wait for it to rise."""
SEM_T_BYTES = 32
MOST = 10_000


def _find(semaphores: bool, scan: Scan) -> list[Fact]:
    """The files of one kind; a name that begins with `sem.` is a semaphore's."""
    facts = []
    for entry in _entries(scan):
        name = as_text(entry.name)
        if name.startswith(SEMAPHORE) != semaphores:
            continue
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # unlinked in the meantime
            continue
        if stat.S_ISREG(status.st_mode):
            facts.append(_fact("/" + (name.removeprefix(SEMAPHORE) if semaphores else name), status))
    return facts


def _entries(scan: Scan) -> list[os.DirEntry[bytes]]:
    """What is in /dev/shm."""
    with os.scandir(FOLDER.encode()) as entries:
        found = [entry for entry, _ in zip(entries, range(MOST), strict=False)]
    scan.truncated = scan.truncated or len(found) == MOST
    return found


def _fact(name: str, status: os.stat_result) -> Fact:
    """What the file says of the object."""
    return {
        "name": name,
        "size": status.st_size,
        "mode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "nlink": status.st_nlink,
        "dev": status.st_dev,
        "ino": status.st_ino,
    }


def _find_sem(scan: Scan, _match: Match) -> list[Fact]:
    """The semaphores, with what is in them."""
    facts = _find(True, scan)
    for fact in facts:
        fact["value"], fact["waiters"] = _value(fact)
    return facts


def _value(fact: Fact) -> tuple[int | None, int | None]:
    """A semaphore's value and how many wait; None for both when the file is too short, or not ours to read."""
    path = os.fsencode(f"{FOLDER}/{SEMAPHORE}{fact['name'][1:]}")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # gone, or refused
        return None, None
    try:
        data = os.read(fd, SEM_T_BYTES)
    finally:
        os.close(fd)
    if len(data) < SEM_T_BYTES:
        return None, None
    value, waiters = SEM_T.unpack_from(data)
    return value, waiters


def _complete(scan: Scan, facts: list[Fact]) -> None:
    """Add who shares the object's memory and who has it open. Two names may be one object (link(2))."""
    mapped: dict[tuple[int, int], list[int]] = {(fact["dev"], fact["ino"]): [] for fact in facts}
    opened: dict[tuple[int, int], list[int]] = {identity: [] for identity in mapped}
    for pid in scan.live:
        for identity in {(mapping.dev, mapping.ino) for mapping in scan.mappings(pid)} & mapped.keys():
            mapped[identity].append(pid)
        for identity in {(one.dev, one.ino) for one in scan.descriptors(pid)} & opened.keys():
            opened[identity].append(pid)
    for fact in facts:
        fact["mapped"] = mapped[fact["dev"], fact["ino"]]
        fact["open"] = opened[fact["dev"], fact["ino"]]


FILE = "name size mode uid gid nlink dev ino"
POSIX_SHM = Kind("posix_shm", f"{FILE} mapped open", lambda scan, _match: _find(False, scan), _complete)
POSIX_SEM = Kind("posix_sem", f"{FILE} value waiters mapped open", _find_sem, _complete)
