"""Paths that a student may have had his hands on, walked without following a symbolic link of his.

The agent is root: a link in a folder that a student can write would lead it to files that he can't.
"""

from __future__ import annotations

import contextlib
import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MADE_MODE = 0o755


class Place:
    """An entry of an open folder: its name, the folder's descriptor, and the whole path for messages."""

    __slots__ = ("folder", "name", "path")

    def __init__(self, folder: int, name: bytes, path: bytes) -> None:
        """Name an entry; it need not exist."""
        self.folder = folder
        self.name = name
        self.path = path

    def status(self) -> os.stat_result | None:
        """What lstat(2) says of the entry; None when there is none."""
        try:
            return os.lstat(self.name, dir_fd=self.folder)
        except FileNotFoundError:
            return None

    def discard(self, name: bytes) -> None:
        """Remove an entry of the same folder, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.folder)

    def refused(self, error: OSError) -> OSError:
        """The same error, about the whole path."""
        return OSError(error.errno, error.strerror, self.path)


@contextlib.contextmanager
def place(path: bytes, owner: tuple[int, int] | None = None) -> Iterator[Place]:
    """The place of an absolute path; folders that are missing on it are made for `owner` (uid, gid) when one is given.

    Raises:
        OSError: A folder is missing, is a symbolic link or no folder (ENOTDIR); the path is not absolute or has `..`.
    """
    *folders, name = [part for part in path.split(b"/") if part not in (b"", b".")] or [b""]
    if not path.startswith(b"/") or not name or b".." in (*folders, name):
        raise OSError(errno.EINVAL, "an absolute path without `..` is needed", path)
    descriptor = os.open(b"/", FOLDER)
    try:
        for folder in folders:
            inner = _enter(Place(descriptor, folder, path), owner)
            os.close(descriptor)
            descriptor = inner
        yield Place(descriptor, name, path)
    finally:
        os.close(descriptor)


def _enter(place: Place, owner: tuple[int, int] | None) -> int:
    """The folder that is at a place, opened."""
    try:
        if owner is not None:
            with contextlib.suppress(FileExistsError):
                os.mkdir(place.name, MADE_MODE, dir_fd=place.folder)
                os.chown(place.name, *owner, dir_fd=place.folder, follow_symlinks=False)
        return os.open(place.name, FOLDER, dir_fd=place.folder)
    except OSError as error:
        raise place.refused(error) from error
