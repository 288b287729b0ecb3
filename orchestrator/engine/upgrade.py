"""An HTTP connection to an engine turned into a raw stream, which carries one exec's streams in both directions.

docker-py hands out such a socket, too, but from below a buffered reader, which may hold the first bytes of the stream
already. Here nothing lies between the socket and its reader.
"""

from __future__ import annotations

import json
import re
import socket
import time
from dataclasses import dataclass

from orchestrator.engine.endpoint import Endpoint
from orchestrator.engine.refusal import refused, silent, unreachable

HEAD_END = b"\r\n\r\n"
HEAD_MAX = 65536


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A socket that carries a raw stream, and what came of it together with the answer's head."""

    socket: socket.socket
    early: bytes


def upgrade(
    connected: socket.socket, endpoint: Endpoint, path: str, body: object, *, doing: str, timeout_s: float
) -> Upgraded:
    """Post `body` to `path` and turn the connection into a raw stream (HTTP/1.1 Upgrade, as Docker's API has it).

    The socket is closed when this fails.

    Raises:
        EngineTimeout: No answer came in time.
        EngineUnavailable: The connection broke.
        EngineError: The engine refused; ObjectMissing and ObjectConflict as everywhere.
    """
    try:
        connected.sendall(_request(endpoint.host, path, json.dumps(body).encode()))
        head, rest = _head(connected, time.monotonic() + timeout_s)
        status = _status(head)
        if status in (101, 200):
            return Upgraded(connected, rest)
        raise refused(doing, status, _message(connected, head, rest))
    except TimeoutError as error:
        connected.close()
        raise silent(doing, timeout_s) from error
    except OSError as error:
        connected.close()
        raise unreachable(endpoint, error) from error
    except BaseException:
        connected.close()
        raise


def _request(host: str, path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    )
    return head.encode() + body


def _head(connected: socket.socket, deadline: float) -> tuple[bytes, bytes]:
    """The head of the answer, and what came after it."""
    got = b""
    while HEAD_END not in got:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connected.settimeout(left)
        piece = connected.recv(HEAD_MAX)
        if not piece or len(got) > HEAD_MAX:
            raise ConnectionError("the answer ended within its head")
        got += piece
    head, _, rest = got.partition(HEAD_END)
    return head, rest


def _status(head: bytes) -> int:
    found = re.match(rb"HTTP/1\.[01] ([0-9]{3})", head)
    return int(found[1]) if found else 0


def _message(connected: socket.socket, head: bytes, rest: bytes) -> str:
    """The engine's sentence in a refusal, which is JSON: `{"message": …}`."""
    found = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
    length = min(int(found[1]), HEAD_MAX) if found else 0
    while len(rest) < length and (piece := connected.recv(HEAD_MAX)):
        rest += piece
    try:
        return str(json.loads(rest)["message"])
    except (ValueError, KeyError, TypeError):
        return rest.decode(errors="replace")
