"""Files: the operations that write one for the client and read one to it.

Regular files only, and no symbolic link on the way to them.
"""

from __future__ import annotations

import os
import stat

import paths
from framing import PAYLOAD_LIMIT_BYTES
from refusal import LIMIT, OS, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from paths import Place
    from request import Request

NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def operations() -> dict[str, Callable[[Request], None]]:
    """The operations by name."""
    return {"put": _put, "get": _get}


def _put(request: Request) -> None:
    """Make or replace a file, at once or not at all."""
    owner = (request.integer("uid", os.getuid()), request.integer("gid", os.getgid()))
    mode = request.integer("mode", 0o644, high=0o7777)
    with paths.place(request.raw("path"), owner if request.flag("parents") else None) as place:
        _refuse_other_than_file(place)
        new = b".ipclab-" + os.urandom(8).hex().encode("ascii")
        try:
            _write(place.folder, new, request.payload, mode, owner)
            os.rename(new, place.name, src_dir_fd=place.folder, dst_dir_fd=place.folder)
        except OSError as error:
            place.discard(new)
            raise place.refused(error) from error
    request.answer({"size": len(request.payload)})


def _refuse_other_than_file(place: Place) -> None:
    """Refuse to replace what is no regular file: somebody would miss it."""
    status = place.status()
    if status is not None and not stat.S_ISREG(status.st_mode):
        raise _no_file(place)


def _no_file(place: Place) -> Refusal:
    """The refusal of what is no regular file."""
    path = os.fsdecode(place.path)
    return Refusal(OS, f"{path}: not a regular file", path=path, errno=0)


def _write(folder: int, name: bytes, data: bytes, mode: int, owner: tuple[int, int]) -> None:
    """A new file with all of this in it."""
    fd = os.open(name, NEW, 0o600, dir_fd=folder)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
        if owner != (os.getuid(), os.getgid()):
            os.fchown(fd, *owner)
        os.fchmod(fd, mode)  # after fchown(2), which takes set-user-ID bits away
    finally:
        os.close(fd)


def _get(request: Request) -> None:
    """What is in a file."""
    most_bytes = request.integer("max", PAYLOAD_LIMIT_BYTES, high=PAYLOAD_LIMIT_BYTES)
    with paths.place(request.raw("path")) as place:
        try:
            fd = os.open(place.name, READ, dir_fd=place.folder)
        except OSError as error:
            raise place.refused(error) from error
        try:
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise _no_file(place)
            data = _read(fd, most_bytes)
        finally:
            os.close(fd)
    found = {"size": len(data), "mode": stat.S_IMODE(status.st_mode), "uid": status.st_uid, "gid": status.st_gid}
    request.answer(found, data)


def _read(fd: int, most_bytes: int) -> bytes:
    """A whole file. Raises Refusal when it is longer than that; also one that grows while it is read."""
    chunks = []
    size = 0
    while chunk := os.read(fd, most_bytes + 1 - size):
        chunks.append(chunk)
        size += len(chunk)
        if size > most_bytes:
            raise Refusal(LIMIT, f"the file is longer than {most_bytes} bytes")
    return b"".join(chunks)
