"""Feeds: bytes on their way into a program's standard input, which it may read late, slowly or never."""

from __future__ import annotations

import contextlib
import os

from loop import WRITABLE
from refusal import LIMIT, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from loop import Loop

PENDING_LIMIT_BYTES = 16 * 1024 * 1024


class Feed:
    """The agent's end of one program's standard input."""

    def __init__(self, loop: Loop, fd: int) -> None:
        """Own the writable end of a pipe."""
        os.set_blocking(fd, False)
        self._loop = loop
        self._fd = fd
        self._pending = bytearray()
        self._watched = False
        self._closing = False
        self.broken = False
        """Whether nobody can read it any more, or it was closed."""

    @property
    def pending_bytes(self) -> int:
        """What the pipe has had no room for yet."""
        return len(self._pending)

    def write(self, data: bytes) -> int:
        """How many bytes were taken: all, or none when nobody can read them. Raises Refusal when too many wait."""
        if self.broken or self._closing:
            return 0
        if len(self._pending) + len(data) > PENDING_LIMIT_BYTES:
            raise Refusal(LIMIT, f"{len(self._pending)} bytes already wait for the program to read them")
        self._pending += data
        self._push()
        return 0 if self.broken else len(data)

    def finish(self) -> None:
        """End the program's input, once it has all that is pending."""
        self._closing = True
        if not self._pending:
            self.close()

    def close(self) -> None:
        """End the input now."""
        if self.broken:
            return
        self.broken = True
        self._pending.clear()
        if self._watched:
            self._loop.unwatch(self._fd)
        os.close(self._fd)

    def _push(self) -> None:
        """Write as much as the pipe takes."""
        try:
            with contextlib.suppress(BlockingIOError):
                while self._pending:
                    del self._pending[: os.write(self._fd, self._pending)]
        except OSError:  # EPIPE: the program closed its standard input or ended; `broken` tells
            self.close()
            return
        if self._closing and not self._pending:
            self.close()
        elif bool(self._pending) != self._watched:
            self._watch(not self._watched)

    def _watch(self, wanted: bool) -> None:
        """Have the loop push when there is room, or no more."""
        self._watched = wanted
        if wanted:
            self._loop.watch(self._fd, WRITABLE, self._push)
        else:
            self._loop.unwatch(self._fd)
