"""Entries: what stands directly in the folders that programs may write in, of whatever type.

What is below a folder in one of them goes with that folder. Nothing is said of what an entry is good for.
"""

from __future__ import annotations

import os

from kind import Kind
from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kind import Fact
    from match import Match
    from scan import Scan

MOST = 10_000
"""Entries of one folder that are looked at."""


def _find(scan: Scan, _match: Match) -> list[Fact]:
    """All entries of the folders of the vantage."""
    facts = []
    for folder in scan.vantage.folders:
        found = _in(folder)
        scan.truncated = scan.truncated or len(found) == MOST
        facts.extend(found)
    return facts


def _in(folder: str) -> list[Fact]:
    """The entries of one folder; none when it is not there."""
    facts = []
    try:
        with os.scandir(folder.encode()) as entries:
            for entry, _ in zip(entries, range(MOST), strict=False):
                facts.extend(_fact(entry))
    except OSError:  # gone, or refused: nothing that could be told
        return []
    return facts


def _fact(entry: os.DirEntry[bytes]) -> list[Fact]:
    """What lstat(2) says of an entry; nothing when it has gone in the meantime."""
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:  # removed in the meantime
        return []
    return [
        {
            "path": as_text(entry.path),
            "mode": status.st_mode & 0o7777,
            "uid": status.st_uid,
            "gid": status.st_gid,
            "dev": status.st_dev,
            "ino": status.st_ino,
        }
    ]


ENTRY = Kind("entry", "path mode uid gid dev ino", _find)
