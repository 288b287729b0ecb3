"""POSIX message queues: files in /dev/mqueue, whose text tells what waits in them. See mq_overview(7)."""

from __future__ import annotations

import os
import stat

import libc
from kind import Kind
from scan import QUEUES
from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kind import Fact
    from match import Match
    from scan import Scan

# `QSIZE:129 NOTIFY:2 SIGNO:0 NOTIFY_PID:8260`
LABELS = {b"QSIZE": "qsize", b"NOTIFY": "notify", b"SIGNO": "signo", b"NOTIFY_PID": "notify_pid"}


def _find(scan: Scan, _match: Match) -> list[Fact]:
    """The queues of our IPC namespace."""
    if not scan.vantage.queues_dev:
        return []
    return [fact for name in os.listdir(QUEUES.encode()) if (fact := _fact(name))]


def _fact(name: bytes) -> Fact | None:
    """One queue; None when it is gone, or not ours to read."""
    path = os.path.join(QUEUES.encode(), name)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # unlinked in the meantime, or refused
        return None
    try:
        status = os.fstat(fd)
        attributes = libc.queue_attributes(fd)
        text = os.read(fd, 4096)
    finally:
        os.close(fd)
    fact: Fact = {
        "name": "/" + as_text(name),
        "mode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "dev": status.st_dev,
        "ino": status.st_ino,
        "maxmsg": attributes.maxmsg,
        "msgsize": attributes.msgsize,
        "curmsgs": attributes.curmsgs,
    }
    for pair in text.split():
        label, _, number = pair.partition(b":")
        fact[LABELS[label]] = int(number)
    return fact


def _complete(scan: Scan, facts: list[Fact]) -> None:
    """Add who has a queue open; a queue descriptor of another IPC namespace is on another device."""
    holders: dict[int, list[int]] = {}
    for pid in scan.live:
        for ino in {one.ino for one in scan.descriptors(pid) if one.dev == scan.vantage.queues_dev}:
            holders.setdefault(ino, []).append(pid)
    for fact in facts:
        fact["open"] = holders.get(fact["ino"], [])


POSIX_MQ = Kind(
    "posix_mq", "name mode uid gid dev ino maxmsg msgsize curmsgs qsize notify signo notify_pid open", _find, _complete
)
