"""TCP and UDP sockets. See tcp(7), udp(7), sock_diag(7).

TCP comes from the kernel's socket diagnosis; UDP from /proc/net, as not every kernel has a diagnosis of UDP.
"""

from __future__ import annotations

import _socket
import struct

import diagnosis
import proc
from kind import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kind import Fact
    from match import Match
    from scan import Scan

# linux/inet_diag.h. The older of its two requests: a socket family of 0 means both there, so the kernel goes through
# its table of connections, which is what takes the time, only once.
TCPDIAG_GETSOCK = 18
_REQUEST = struct.Struct("=BBBB48xII")  # family, lengths of addresses, attributes; socket; states, first entry
_BODY = struct.Struct("=BBBB HH16s16sI8x IIIII")
STATES = {
    1: "established",
    2: "syn_sent",
    3: "syn_recv",
    4: "fin_wait1",
    5: "fin_wait2",
    6: "time_wait",
    7: "close",
    8: "close_wait",
    9: "last_ack",
    10: "listen",
    11: "closing",
    12: "syn_recv",
}
LISTEN = 10
AF_INET = 2
FAMILIES = {AF_INET: 4, 10: 6}
FIELDS = "family local remote state recv_queue send_queue backlog ino uid pids"


def _find_tcp(scan: Scan, match: Match) -> list[Fact]:
    """The TCP sockets of our network namespace; only those in a state, when the match says in which."""
    state = match.value("state")
    wanted = {number for number, name in STATES.items() if state in (None, name)}
    bodies = _dump(wanted & {LISTEN})
    # The table of connections is the whole machine's, and takes 0.2 ms to go through on a small one. Most exercises
    # have none, and for them this saves it.
    if state is not None or scan.sockets_in_use(b"TCP:", b"TCP6:") > len(bodies):
        bodies += _dump(wanted - {LISTEN})
    scan.truncated = scan.truncated or len(bodies) >= diagnosis.MOST_SOCKETS
    return [_tcp_fact(body) for body in bodies]


def _dump(states: set[int]) -> list[bytes]:
    """What the kernel tells of the sockets in these states."""
    if not states:
        return []
    mask = sum(1 << number for number in states)
    return diagnosis.dump(TCPDIAG_GETSOCK, _REQUEST.pack(0, 0, 0, 0, mask, 0))


def _tcp_fact(body: bytes) -> Fact:
    """One TCP socket, but for who holds it."""
    family, state, _, _, port, far_port, ip, far_ip, _, _, received, sent, uid, ino = _BODY.unpack_from(body)
    listens = state == LISTEN
    return {
        "family": FAMILIES[family],
        "local": {"ip": _ip(family, ip), "port": _socket.ntohs(port)},
        "remote": {"ip": _ip(family, far_ip), "port": _socket.ntohs(far_port)},
        "state": STATES[state],
        "recv_queue": received,
        "send_queue": 0 if listens else sent,
        "backlog": sent if listens else None,
        "ino": ino,
        "uid": uid,
    }


def _ip(family: int, address: bytes) -> str:
    """An address as it is written."""
    return _socket.inet_ntop(family, address[:4] if family == AF_INET else address)


def _find_udp(scan: Scan, _match: Match) -> list[Fact]:
    """The UDP sockets of our network namespace."""
    if not scan.sockets_in_use(b"UDP:", b"UDP6:"):
        return []
    return [
        _udp_fact(family, line.split())
        for file, family in (("udp", AF_INET), ("udp6", 10))
        for line in proc.read(f"/proc/net/{file}").split(b"\n")[1:-1]
    ]


def _udp_fact(family: int, row: list[bytes]) -> Fact:
    """One row: `sl local remote st tx:rx tr:when retrnsmt uid timeout inode …`."""
    sent, _, received = row[4].partition(b":")
    return {
        "family": FAMILIES[family],
        "local": _endpoint(family, row[1]),
        "remote": _endpoint(family, row[2]),
        "state": "established" if int(row[3], 16) == 1 else "unconnected",
        "recv_queue": int(received, 16),
        "send_queue": int(sent, 16),
        "backlog": None,
        "ino": int(row[9]),
        "uid": int(row[7]),
    }


def _endpoint(family: int, text: bytes) -> Fact:
    """`0100007F:162E`: the address in words of 32 bits of this machine's byte order, the port in the usual one."""
    address, _, port = text.partition(b":")
    words = [int(address[start : start + 8], 16) for start in range(0, len(address), 8)]
    return {"ip": _ip(family, struct.pack(f"={len(words)}I", *words)), "port": int(port, 16)}


def _complete(scan: Scan, facts: list[Fact]) -> None:
    """Add who holds a socket."""
    for fact in facts:
        fact["pids"] = scan.socket_holders.get(fact["ino"], []) if fact["ino"] else []


TCP = Kind("tcp", FIELDS, _find_tcp, _complete)
UDP = Kind("udp", FIELDS, _find_udp, _complete)
