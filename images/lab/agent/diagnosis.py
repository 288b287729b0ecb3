"""Socket diagnosis: what the kernel tells of the sockets of a network namespace over netlink. See sock_diag(7).

/proc/net tells less (no peers, no backlog), and of TCP takes seven times as long. Which facts are made of it does not
belong here.
"""

from __future__ import annotations

# The module that `socket` is made of; importing `socket` itself costs every start of the agent 5 ms.
import _socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

AF_NETLINK = 16
NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST_DUMP = 0x301
NLMSG_ERROR = 2
NLMSG_DONE = 3
CHUNK_BYTES = 65_536
MOST_SOCKETS = 10_000
_MESSAGE = struct.Struct("=IHHII")  # length, type, flags, sequence number, port
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_ERROR = struct.Struct("=i")


def dump(kind: int, request: bytes) -> list[bytes]:
    """The answers to one request for all sockets of a kind: each the body of a netlink message.

    Raises:
        OSError: This kernel has no such diagnosis.
    """
    channel = _socket.socket(AF_NETLINK, _socket.SOCK_DGRAM | _socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
    try:
        channel.send(_MESSAGE.pack(_MESSAGE.size + len(request), kind, NLM_F_REQUEST_DUMP, 1, 0) + request)
        bodies: list[bytes] = []
        while len(bodies) < MOST_SOCKETS:
            for message, body in _messages(channel.recv(CHUNK_BYTES)):
                if message == NLMSG_DONE:
                    return bodies
                if message == NLMSG_ERROR:
                    raise OSError(-_ERROR.unpack_from(body)[0], "socket diagnosis")
                bodies.append(body)
        return bodies
    finally:
        channel.close()


def attributes(body: bytes, start: int) -> dict[int, bytes]:
    """The attributes that follow the fixed part of a body, by their types."""
    found = {}
    while start + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, start)
        if length < _ATTRIBUTE.size:
            break
        found[kind] = body[start + _ATTRIBUTE.size : start + length]
        start += _aligned(length)
    return found


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The type and body of each netlink message in a datagram."""
    start = 0
    while start + _MESSAGE.size <= len(data):
        length, kind, *_ = _MESSAGE.unpack_from(data, start)
        if length < _MESSAGE.size:
            break
        yield kind, data[start + _MESSAGE.size : start + length]
        start += _aligned(length)


def _aligned(length: int) -> int:
    """Where the next message or attribute begins."""
    return (length + 3) & ~3
