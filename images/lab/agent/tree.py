"""Trees: a file, or a folder with all that is in it, removed as whoever we are now, through no symbolic link.

Folders may be nested deeper than a process can hold descriptors, and their paths be longer than the kernel takes: this
goes into them one by one, as the working folder of a process that exists for nothing else.
"""

from __future__ import annotations

import errno
import os
import stat

import paths

OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
OURS = 0o700
HERE = b"."
ABOVE = b".."


def remove(path: bytes) -> None:
    """Remove what is at an absolute path; our working folder is another one afterwards.

    Raises:
        OSError: There is nothing (ENOENT), or it is not ours to remove.
    """
    with paths.place(path) as place:
        status = place.status()
        try:
            if status is not None and stat.S_ISDIR(status.st_mode):
                os.fchdir(place.folder)
                _remove_folder(place.name)
            else:
                os.unlink(place.name, dir_fd=place.folder)
        except OSError as error:
            raise place.refused(error) from error


def _remove_folder(name: bytes) -> None:
    """Remove a folder of the working folder, with all that is in it."""
    inside = [name]
    _enter(name)
    while inside:
        full = _first_full_folder()
        if full is not None:
            _enter(full)
            inside.append(full)
        else:
            os.chdir(ABOVE)
            os.rmdir(inside.pop())


def _enter(name: bytes) -> None:
    """Make a folder the working folder; its owner may have left himself without the right to look into it."""
    try:
        folder = os.open(name, OPEN)
    except PermissionError:
        os.chmod(name, OURS)
        folder = os.open(name, OPEN)
    try:
        if os.fstat(folder).st_mode & OURS != OURS:
            os.fchmod(folder, OURS)
        os.fchdir(folder)
    finally:
        os.close(folder)


def _first_full_folder() -> bytes | None:
    """Remove what is in the working folder, up to the first folder that is not empty; its name."""
    for entry in os.listdir(HERE):
        try:
            os.unlink(entry)
        except IsADirectoryError:
            try:
                os.rmdir(entry)
            except OSError as error:
                if error.errno != errno.ENOTEMPTY:
                    raise
                return entry
    return None
