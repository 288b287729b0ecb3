"""Docker's multiplexed stream taken apart: standard output and standard error of a process without a terminal.

Each frame is `stream (1 byte), 0, 0, 0, length (4 bytes, big endian)` and its payload; a frame may come in any
number of pieces. Pure: bytes in, bytes out.
"""

from __future__ import annotations

import struct

from orchestrator.errors import EngineError

HEADER = struct.Struct(">BxxxI")
STDIN, STDOUT, STDERR, SYSTEM_ERROR = range(4)


class Demultiplexer:
    """Takes pieces as they come and gives what they hold of each stream, at once."""

    __slots__ = ("_header", "_left", "_stream")

    def __init__(self) -> None:
        """Expect a frame's header."""
        self._header = b""
        self._left = 0
        self._stream = STDOUT

    def feed(self, piece: bytes) -> tuple[bytes, bytes]:
        """Standard output and standard error in `piece`.

        Raises:
            EngineError: This is no header that Docker sends.
        """
        # One whole frame of output in one piece is what nearly always comes.
        if not self._left and not self._header and len(piece) >= HEADER.size:
            stream, length = HEADER.unpack_from(piece)
            if stream == STDOUT and length == len(piece) - HEADER.size:
                return piece[HEADER.size :], b""
        return self._feed(piece)

    def _feed(self, piece: bytes) -> tuple[bytes, bytes]:
        found: tuple[list[bytes], list[bytes]] = ([], [])
        rest = memoryview(piece)
        while rest:
            if not self._left:
                rest = self._begin(rest)
                continue
            payload, rest = rest[: self._left], rest[self._left :]
            self._left -= len(payload)
            found[self._stream in (STDERR, SYSTEM_ERROR)].append(bytes(payload))
        return b"".join(found[0]), b"".join(found[1])

    def _begin(self, rest: memoryview) -> memoryview:
        """Take what is missing of a header; what is behind it is left."""
        missing = HEADER.size - len(self._header)
        self._header += bytes(rest[:missing])
        if len(self._header) == HEADER.size:
            self._stream, self._left = HEADER.unpack(self._header)
            if self._stream > SYSTEM_ERROR or any(self._header[1:4]):
                raise EngineError(f"what came from the engine is no frame of a stream: {self._header.hex()}")
            self._header = b""
        return rest[missing:]
