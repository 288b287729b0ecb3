"""Entries: what stands directly in the folders that programs may write in, of whatever type.

What is below a folder in one of them goes with that folder. Nothing is said of what an entry is good for.
"""

from __future__ import annotations

import os
import stat

from kind import Kind
from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kind import Fact
    from match import Match
    from scan import Scan

MOST = 10_000
"""Entries of one folder that are looked at."""
TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "dir",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
}


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
            "type": TYPES[stat.S_IFMT(status.st_mode)],
            "mode": stat.S_IMODE(status.st_mode),
            "uid": status.st_uid,
            "gid": status.st_gid,
            "dev": status.st_dev,
            "ino": status.st_ino,
        }
    ]


ENTRY = Kind("entry", "path type mode uid gid dev ino", _find)
