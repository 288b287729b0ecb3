"""Walks: the files below some folders that are channels, not contents: FIFOs and sockets.

Symbolic links are not followed. What a student put there may be endless, so a walk ends.
"""

from __future__ import annotations

import os
import stat

MOST_ENTRIES = 10_000


class SpecialFile:
    """A FIFO or a socket file."""

    __slots__ = ("dev", "gid", "ino", "is_fifo", "mode", "path", "uid")

    def __init__(self, path: bytes, status: os.stat_result) -> None:
        """Keep what lstat(2) says of it."""
        self.path = path
        self.is_fifo = stat.S_ISFIFO(status.st_mode)
        self.mode = stat.S_IMODE(status.st_mode)
        self.uid = status.st_uid
        self.gid = status.st_gid
        self.dev = status.st_dev
        self.ino = status.st_ino


def special_files(folders: tuple[str, ...]) -> tuple[list[SpecialFile], bool]:
    """The FIFOs and socket files below `folders`, and whether all entries were seen."""
    found: list[SpecialFile] = []
    waiting = [folder.encode() for folder in folders]
    entries = 0
    while waiting:
        for entry in _entries(waiting.pop()):
            entries += 1
            if entries > MOST_ENTRIES:
                return found, False
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif not entry.is_file(follow_symlinks=False) and not entry.is_symlink():
                found.extend(_special(entry))
    return found, True


def _entries(folder: bytes) -> list[os.DirEntry[bytes]]:
    """What is in a folder; nothing when it is gone, or is not ours to read."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry, _ in zip(entries, range(MOST_ENTRIES + 1), strict=False)]
    except OSError:  # gone, or refused: nothing that could be told
        return []


def _special(entry: os.DirEntry[bytes]) -> list[SpecialFile]:
    """The entry, if it is still there and is a FIFO or a socket."""
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:  # removed in the meantime
        return []
    if stat.S_ISFIFO(status.st_mode) or stat.S_ISSOCK(status.st_mode):
        return [SpecialFile(entry.path, status)]
    return []
