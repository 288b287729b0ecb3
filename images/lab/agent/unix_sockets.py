"""Unix sockets and the files that they are bound to. See unix(7), sock_diag(7)."""

from __future__ import annotations

import os
import stat
import struct

import diagnosis
from kind import Kind
from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kind import Fact
    from match import Match
    from scan import Scan
    from walk import SpecialFile

AF_UNIX = 1
# linux/unix_diag.h: what to show (name, file, peer, queues, owner), and the attributes that show it
SHOW = 0x01 | 0x02 | 0x04 | 0x10 | 0x40
NAME, FILE, PEER, QUEUES, OWNER = 0, 1, 2, 4, 7
_REQUEST = struct.Struct("=BBHIIIII")
_BODY = struct.Struct("=BBBBIII")  # family, type, state, padding, inode, cookie
_NUMBER = struct.Struct("=I")
_PAIR = struct.Struct("=II")
TYPES = {1: "stream", 2: "dgram", 5: "seqpacket"}
STATES = {1: "established", 7: "unconnected", 10: "listen"}
LISTEN = 10
ANY = 0xFFFFFFFF


def _find(scan: Scan, _match: Match) -> list[Fact]:
    """The Unix sockets of our network namespace."""
    request = _REQUEST.pack(AF_UNIX, 0, 0, ANY, 0, SHOW, 0, 0)
    bodies = diagnosis.dump(diagnosis.SOCK_DIAG_BY_FAMILY, request)
    scan.truncated = scan.truncated or len(bodies) >= diagnosis.MOST_SOCKETS
    return [_fact(scan, body) for body in bodies]


def _fact(scan: Scan, body: bytes) -> Fact:
    """One socket, but for who holds it."""
    _, kind, state, _, ino, _, _ = _BODY.unpack_from(body)
    found = diagnosis.attributes(body, _BODY.size)
    queued, room = _PAIR.unpack(found.get(QUEUES, bytes(_PAIR.size)))
    peer = _NUMBER.unpack(found[PEER])[0] if PEER in found else 0
    listens = state == LISTEN
    path, file = _bound(scan, found)
    return {
        "path": path,
        "ino": ino,
        "type": TYPES.get(kind, str(kind)),
        "state": STATES.get(state, str(state)),
        "peer": peer or None,
        "uid": _NUMBER.unpack(found[OWNER])[0] if OWNER in found else None,
        "backlog": room if listens else None,
        "recv_queue": queued,
        "send_queue": 0 if listens else room,
        "file": file,
    }


def _bound(scan: Scan, found: dict[int, bytes]) -> tuple[str, Fact | None]:
    """The name that a socket is bound to, and what the file of that name says if it is the socket's own."""
    name = found.get(NAME, b"")
    if name.startswith(b"\0"):
        return "@" + as_text(name[1:]), None
    name = name.rstrip(b"\0")
    if not name or FILE not in found:
        return as_text(name), None
    identity = _identity(found[FILE])
    if not name.startswith(b"/"):  # bound by a relative name: the file itself says where it is
        name = next((file.path for file in _files(scan) if (file.dev, file.ino) == identity), name)
    return as_text(name), _permissions(name, identity)


def _identity(file: bytes) -> tuple[int, int]:
    """Device and inode of a socket's file; the kernel's own form of a device is major << 20 | minor."""
    ino, dev = _PAIR.unpack(file)
    return os.makedev(dev >> 20, dev & 0xFFFFF), ino


def _permissions(path: bytes, identity: tuple[int, int]) -> Fact | None:
    """What the file at a path says; None when it is gone, or another file took its place."""
    try:
        status = os.lstat(path)
    except OSError:  # gone, or refused
        return None
    if (status.st_dev, status.st_ino & 0xFFFFFFFF) != identity:
        return None
    return {"mode": stat.S_IMODE(status.st_mode), "uid": status.st_uid, "gid": status.st_gid}


def _complete(scan: Scan, facts: list[Fact]) -> None:
    """Add who holds a socket."""
    for fact in facts:
        fact["pids"] = scan.socket_holders.get(fact["ino"], [])


def _files(scan: Scan) -> list[SpecialFile]:
    """The socket files below the folders that are looked through."""
    return [file for file in scan.special_files if not file.is_fifo]


def _find_files(scan: Scan, _match: Match) -> list[Fact]:
    """The socket files, and whether a socket is bound to each."""
    files = _files(scan)
    if not files:
        return []
    request = _REQUEST.pack(AF_UNIX, 0, 0, ANY, 0, 0x02, 0, 0)
    bodies = diagnosis.dump(diagnosis.SOCK_DIAG_BY_FAMILY, request)
    found = (diagnosis.attributes(body, _BODY.size).get(FILE) for body in bodies)
    bound = {_identity(file) for file in found if file is not None}
    return [
        {
            "path": as_text(file.path),
            "mode": file.mode,
            "uid": file.uid,
            "gid": file.gid,
            "dev": file.dev,
            "ino": file.ino,
            "bound": (file.dev, file.ino & 0xFFFFFFFF) in bound,
        }
        for file in files
    ]


UNIX_SOCKET = Kind(
    "unix_socket", "path ino type state peer uid backlog recv_queue send_queue file pids", _find, _complete
)
SOCKET_FILE = Kind("socket_file", "path mode uid gid dev ino bound", _find_files)
