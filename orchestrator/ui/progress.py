"""What is being done while a lab goes up or down: one line that changes on a terminal, a line per step elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self, TextIO

from orchestrator.display import printable
from orchestrator.executor import Event, Stage

WIDTH = 100


class Progress:
    """Listens to an executor and to builders; prints to standard error, so that pipes get results only."""

    def __init__(self, title: str, stream: TextIO | None = None) -> None:
        """`title` says what goes on: `lab-11 up`."""
        self.title = title
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.began = time.monotonic()
        self.running: dict[str, None] = {}
        self.done = 0

    def event(self, event: Event) -> None:
        """An operation of a plan began or ended."""
        if event.stage is Stage.STARTED:
            self.running[event.operation.key] = None
        else:
            self.running.pop(event.operation.key, None)
            self.done = event.ended
        if self.live:
            self._draw(f"{event.ended}/{event.total} {', '.join(map(_brief, self.running))}")
        elif event.stage is not Stage.STARTED:
            word = "" if event.stage is Stage.ENDED else " FAILED"
            self._write(f"{event.operation.key}: {event.operation.cause} ({event.duration_s:.2f} s){word}")

    def line(self, text: str) -> None:
        """A line of progress from a builder."""
        shown = printable(text.rstrip(), limit=WIDTH)
        if self.live:
            self._draw(shown)
        elif shown:
            self._write(shown)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wipe the live line."""
        if self.live:
            self.stream.write("\r\x1b[K")
            self.stream.flush()

    def _draw(self, text: str) -> None:
        line = f"{self.title}  {time.monotonic() - self.began:4.1f} s  {text}"
        self.stream.write(f"\r\x1b[K{line[:WIDTH]}")
        self.stream.flush()

    def _write(self, text: str) -> None:
        self.stream.write(f"{self.title}: {text}\n")


def _brief(key: str) -> str:
    """`start container alpha.left` for an operation's key."""
    words = key.split(" ")
    return " ".join(word.split(".", 3)[-1] for word in words)
