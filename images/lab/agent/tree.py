"""Trees: a file, or a folder with all that is in it, removed as whoever we are now, through no symbolic link."""

from __future__ import annotations

import errno
import os
import stat

import paths

DEEPEST = 64
OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove(path: bytes) -> None:
    """Remove what is at an absolute path.

    Raises:
        OSError: There is nothing (ENOENT), it is not ours to remove, or its folders are nested too deep (ELOOP).
    """
    with paths.place(path) as place:
        status = place.status()
        try:
            if status is not None and stat.S_ISDIR(status.st_mode):
                _remove_folder(place.folder, place.name, 1)
            else:
                os.unlink(place.name, dir_fd=place.folder)
        except OSError as error:
            raise place.refused(error) from error


def _remove_folder(parent: int, name: bytes, depth: int) -> None:
    """Remove a folder with what is in it."""
    if depth > DEEPEST:
        raise OSError(errno.ELOOP, f"folders nested more than {DEEPEST} deep")
    folder = _open(parent, name)
    try:
        for entry in os.listdir(folder):
            _remove_entry(folder, os.fsencode(entry), depth)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=parent)


def _remove_entry(folder: int, name: bytes, depth: int) -> None:
    """Remove one thing in a folder."""
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        _remove_folder(folder, name, depth + 1)


def _open(parent: int, name: bytes) -> int:
    """A folder, opened; its owner may have left himself without the right to look into it."""
    try:
        return os.open(name, OPEN, dir_fd=parent)
    except PermissionError:
        os.chmod(name, 0o700, dir_fd=parent)
        return os.open(name, OPEN, dir_fd=parent)
