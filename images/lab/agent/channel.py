"""The channel: the agent's standard streams, frames in and frames out, never blocking on either.

What a frame means does not belong here.
"""

from __future__ import annotations

import os
from collections import deque

from framing import TOKEN_BYTES, Decoder, FramingError, encode
from loop import READABLE, WRITABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from framing import Frame
    from loop import Loop

CHUNK_BYTES = 65_536
BACKLOG_BYTES = 32 * 1024 * 1024
"""Unsent answers above which no more requests are read: who does not take answers gets to ask no questions."""


class ChannelEnd(Exception):
    """Why a channel that should have gone on ended, for standard error."""


class Channel:
    """Frames from one descriptor, frames to another."""

    def __init__(self, loop: Loop, source: int, sink: int) -> None:
        """Use two descriptors, which become non-blocking."""
        self._loop = loop
        self._source = source
        self._sink = sink
        self._decoder = Decoder()
        self._unsent: deque[memoryview] = deque()
        self._unsent_bytes = 0
        self._reading = False
        self._ended = False
        self._on_frame: Callable[[Frame], None]
        self._on_end: Callable[[ChannelEnd | None], None]
        os.set_blocking(source, False)
        os.set_blocking(sink, False)

    def open(self, on_frame: Callable[[Frame], None], on_end: Callable[[ChannelEnd | None], None]) -> None:
        """Read from now on. `on_end` is called once: with None at a clean end of the stream, else with why."""
        self._on_frame = on_frame
        self._on_end = on_end
        self._resume()

    def close(self) -> None:
        """Neither read nor write any more."""
        self._ended = True
        self._pause()
        if self._unsent_bytes:
            self._loop.unwatch(self._sink)
        self._unsent.clear()
        self._unsent_bytes = 0

    def send(self, header: dict[str, Any], payload: bytes) -> None:
        """Send a frame, or keep it until the other side makes room.

        Raises:
            FramingError: It is no frame, or too long for one.
        """
        data = encode(self._decoder.token or bytes(TOKEN_BYTES), header, payload)
        if self._ended:
            return
        if self._unsent:
            self._keep(memoryview(data))
            return
        written = self._write(data)
        if written < len(data):
            self._loop.watch(self._sink, WRITABLE, self._flush)
            self._keep(memoryview(data)[written:])

    def _keep(self, data: memoryview) -> None:
        """Queue bytes, and read no more requests while too many are queued."""
        self._unsent.append(data)
        self._unsent_bytes += len(data)
        if self._unsent_bytes > BACKLOG_BYTES:
            self._pause()

    def _flush(self) -> None:
        """Write what is queued, as far as it goes."""
        data = self._unsent[0]
        written = self._write(data)
        if self._ended:
            return
        self._unsent_bytes -= written
        if written < len(data):
            self._unsent[0] = data[written:]
        else:
            self._unsent.popleft()
        if not self._unsent:
            self._loop.unwatch(self._sink)
        if self._unsent_bytes <= BACKLOG_BYTES:
            self._resume()

    def _write(self, data: bytes | memoryview) -> int:
        """How many bytes the other side took; a reader that went away takes all and ends the channel."""
        try:
            return os.write(self._sink, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._finish(ChannelEnd(f"nobody reads the answers: {error}"))
            return len(data)

    def _read(self) -> None:
        """Take what came and hand on the frames that are complete."""
        try:
            data = os.read(self._source, CHUNK_BYTES)
            frames = self._decoder.feed(data)
        except BlockingIOError:
            return
        except (OSError, FramingError) as error:
            self._finish(ChannelEnd(str(error)))
            return
        if not data:
            cut = self._decoder.pending_bytes
            self._finish(ChannelEnd(f"the stream ended {cut} bytes into a frame") if cut else None)
        for frame in frames:
            self._on_frame(frame)

    def _finish(self, why: ChannelEnd | None) -> None:
        """End, and say so once."""
        if not self._ended:
            self.close()
            self._on_end(why)

    def _pause(self) -> None:
        """Read no more."""
        if self._reading:
            self._loop.unwatch(self._source)
            self._reading = False

    def _resume(self) -> None:
        """Read on."""
        if not self._reading:
            self._loop.watch(self._source, READABLE, self._read)
            self._reading = True
