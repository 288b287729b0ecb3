"""Frames: how the agent and its client tell one message from the next on a stream of bytes.

    16 bytes token | u32 header length | u32 payload length (big endian) | header: JSON object, UTF-8 | payload: bytes

This one file is both ends: the agent imports it as `framing`, the client as `orchestrator.agent.framing` (a symbolic
link). So it depends on nothing of either. What a header means does not belong here.
"""

from __future__ import annotations

import json
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:  # mypy takes it for true; importing typing would cost the agent 3 ms at every start
    from collections.abc import Mapping
    from typing import Any, NoReturn

VERSION = 1
TOKEN_BYTES = 16
HEADER_LIMIT_BYTES = 4 * 1024 * 1024
PAYLOAD_LIMIT_BYTES = 16 * 1024 * 1024
PREFIX = struct.Struct(f"!{TOKEN_BYTES}sII")


class FramingError(ValueError):
    """The bytes are not a frame of this stream, or can't be made one."""


class HeaderTooLong(FramingError):
    """A header that would be longer than a frame may hold."""


class Frame:
    """One message: the token of its stream, its header, its payload."""

    __slots__ = ("header", "payload", "token")

    def __init__(self, token: bytes, header: dict[str, Any], payload: bytes) -> None:
        """Keep the three parts."""
        self.token = token
        self.header = header
        self.payload = payload

    def __eq__(self, other: object) -> bool:
        """Whether all three parts are equal."""
        if not isinstance(other, Frame):
            return NotImplemented
        return (self.token, self.header, self.payload) == (other.token, other.header, other.payload)

    __hash__ = None  # type: ignore[assignment]  # its header can change

    def __repr__(self) -> str:
        """The header, and how long the payload is; not the token, which is a secret."""
        return f"Frame({self.header!r}, {len(self.payload)} bytes)"


def _refuse_constant(name: str) -> NoReturn:
    """NaN and the infinities are not JSON, though Python reads and writes them."""
    raise ValueError(f"{name} is not JSON")


# json.loads() and json.dumps() with arguments make one of these for every call, which costs more than the work itself.
# A header that contains itself need not be looked for: it is a RecursionError.
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def encode(token: bytes, header: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """The bytes of one frame.

    Raises:
        FramingError: The token has another length, the header is not JSON, or the payload is too long.
        HeaderTooLong: The header is.
    """
    if len(token) != TOKEN_BYTES:
        raise FramingError(f"a token has {TOKEN_BYTES} bytes, not {len(token)}")
    try:
        head = _ENCODER.encode(header).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise FramingError(f"the header is not JSON: {error}") from error
    if len(head) > HEADER_LIMIT_BYTES:
        raise HeaderTooLong(f"a header of {len(head)} bytes; {HEADER_LIMIT_BYTES} are the most")
    if len(payload) > PAYLOAD_LIMIT_BYTES:
        raise FramingError(f"a payload of {len(payload)} bytes; {PAYLOAD_LIMIT_BYTES} are the most")
    return b"".join((PREFIX.pack(token, len(head), len(payload)), head, payload))


class Decoder:
    """Frames out of the chunks in which a stream arrives. After its first error it gives nothing but that error."""

    __slots__ = ("_broken", "_buffer", "token")

    def __init__(self, token: bytes | None = None) -> None:
        """Expect `token` in every frame; None takes that of the first frame for all that follow."""
        self.token = token
        self._buffer = bytearray()
        self._broken: str | None = None

    @property
    def pending_bytes(self) -> int:
        """How much of an unfinished frame is here; not 0 at the end of a stream means that it was cut off."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete with these bytes.

        Raises:
            FramingError: A wrong token, lengths over the limits, a header that is not a JSON object.
        """
        if self._broken is not None:
            raise FramingError(self._broken)
        self._buffer += data
        frames = []
        try:
            while self._buffer and (frame := self._next()) is not None:
                frames.append(frame)
        except FramingError as error:
            self._broken = str(error)
            self._buffer.clear()
            raise
        return frames

    def _next(self) -> Frame | None:
        """The frame at the head of the buffer, taken out of it; None when it is not all there yet."""
        if len(self._buffer) < PREFIX.size:
            self._check_token(bytes(self._buffer))
            return None
        token, head_bytes, payload_bytes = PREFIX.unpack_from(self._buffer)
        if token != self.token:
            self._check_token(token)
        if head_bytes > HEADER_LIMIT_BYTES or payload_bytes > PAYLOAD_LIMIT_BYTES:
            raise FramingError(f"a frame that claims {head_bytes} + {payload_bytes} bytes")
        start = PREFIX.size + head_bytes
        end = start + payload_bytes
        if len(self._buffer) < end:
            return None
        header = _parse(self._buffer[PREFIX.size : start])
        frame = Frame(token, header, bytes(self._buffer[start:end]))
        del self._buffer[:end]
        self.token = token
        return frame

    def _check_token(self, beginning: bytes) -> None:
        """Refuse a stranger's bytes as early as they show, lest we wait for the rest of what is no frame."""
        if self.token is not None and not self.token.startswith(beginning[:TOKEN_BYTES]):
            raise FramingError("a frame with another token than this stream's")


def _parse(head: bytearray) -> dict[str, Any]:
    """The JSON object in a header, with nothing around it."""
    try:
        text = head.decode("utf-8")
        header, end = _DECODER.raw_decode(text)
        if end != len(text):
            raise ValueError(f"{len(text) - end} characters follow it")
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise FramingError(f"a header that is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise FramingError("a header that is not a JSON object")
    return header
