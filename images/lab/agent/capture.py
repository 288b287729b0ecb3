"""Captures: what a program printed on one stream, in bounded memory.

Reading the stream does not belong here.
"""

from __future__ import annotations


class Capture:
    """The first half of a cap's bytes and the last ones; what is between them is only counted."""

    __slots__ = ("_head", "_head_cap", "_tail", "_tail_cap", "total_bytes")

    def __init__(self, cap_bytes: int) -> None:
        """Keep at most this much."""
        self._head = bytearray()
        self._tail = bytearray()
        self._head_cap = cap_bytes // 2
        self._tail_cap = cap_bytes - self._head_cap
        self.total_bytes = 0

    def take(self, data: bytes) -> None:
        """Add what came next."""
        self.total_bytes += len(data)
        room = self._head_cap - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data[-self._tail_cap :] if self._tail_cap else b""
        excess = len(self._tail) - self._tail_cap
        if excess > 0:
            del self._tail[:excess]

    @property
    def kept_bytes(self) -> int:
        """How much is kept."""
        return len(self._head) + len(self._tail)

    def kept(self) -> bytes:
        """What is kept, the head before the tail."""
        return bytes(self._head + self._tail)
