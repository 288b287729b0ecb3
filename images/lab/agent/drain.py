"""Drains: the agent's end of one of a program's output streams, always read, whatever comes."""

from __future__ import annotations

import os

from loop import READABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from capture import Capture
    from loop import Loop

CHUNK_BYTES = 65_536
LAST_BYTES = 4 * 1024 * 1024
"""More than a pipe holds: what another process still writes when the program has ended is not waited for."""


class Drain:
    """Reads a pipe into a capture."""

    def __init__(self, loop: Loop, fd: int, capture: Capture, on_data: Callable[[], None]) -> None:
        """Own the readable end of a pipe; call `on_data` after something came."""
        os.set_blocking(fd, False)
        self._loop = loop
        self._fd = fd
        self._capture = capture
        self._on_data = on_data
        self._open = True
        loop.watch(fd, READABLE, self._take)

    def take_rest(self) -> None:
        """Read what is in the pipe now, without waiting for more."""
        end = self._capture.total_bytes + LAST_BYTES
        before = -1
        while self._open and before != self._capture.total_bytes < end:
            before = self._capture.total_bytes
            self._take()

    def close(self) -> None:
        """Read no more; who still writes gets SIGPIPE."""
        if self._open:
            self._open = False
            self._loop.unwatch(self._fd)
            os.close(self._fd)

    def _take(self) -> None:
        """Read once."""
        try:
            data = os.read(self._fd, CHUNK_BYTES)
        except BlockingIOError:
            return
        if not data:
            self.close()
            return
        self._capture.take(data)
        self._on_data()
