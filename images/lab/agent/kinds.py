"""All kinds of facts by name, and the one that has no other module: any path that is asked for."""

from __future__ import annotations

import os
import stat

import cgroups
import entries
import fifos
import inet
import processes
import queues
import shm_files
import sysv
import unix_sockets
from kind import Kind
from refusal import USAGE, Refusal
from text import as_bytes, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kind import Fact
    from match import Match
    from scan import Scan


def _find_file(_scan: Scan, match: Match) -> list[Fact]:
    """What lstat(2) says of the path that must match."""
    path = match.value("path")
    if not isinstance(path, str):
        raise Refusal(USAGE, "`file` needs the `path` to look at")
    try:
        raw = as_bytes(path)
        status = os.lstat(raw)
        target = as_text(os.readlink(raw)) if stat.S_ISLNK(status.st_mode) else None
    except (FileNotFoundError, NotADirectoryError):
        return []
    except ValueError as error:
        raise Refusal(USAGE, f"`path`: {error}") from error
    return [
        {
            "path": path,
            "type": entries.TYPES[stat.S_IFMT(status.st_mode)],
            "size": status.st_size,
            "mode": stat.S_IMODE(status.st_mode),
            "uid": status.st_uid,
            "gid": status.st_gid,
            "mtime": status.st_mtime,
            "dev": status.st_dev,
            "ino": status.st_ino,
            "target": target,
        }
    ]


FILE = Kind("file", "path type size mode uid gid mtime dev ino target", _find_file)
_ALL = (
    sysv.SYSV_SHM,
    sysv.SYSV_SEM,
    sysv.SYSV_MSG,
    shm_files.POSIX_SHM,
    shm_files.POSIX_SEM,
    queues.POSIX_MQ,
    fifos.FIFO,
    fifos.PIPE,
    unix_sockets.UNIX_SOCKET,
    unix_sockets.SOCKET_FILE,
    entries.ENTRY,
    inet.TCP,
    inet.UDP,
    processes.PROCESS,
    processes.PROCESS_NAMESPACES,
    cgroups.LIMITS,
    FILE,
)
KINDS = {kind.name: kind for kind in _ALL}
IN_SNAPSHOT = [kind.name for kind in _ALL if kind is not FILE]


def named(name: str) -> Kind:
    """The kind with this name. Raises Refusal when there is none."""
    kind = KINDS.get(name)
    if kind is None:
        raise Refusal(USAGE, f"there is no kind `{name}`; there are {', '.join(KINDS)}")
    return kind
