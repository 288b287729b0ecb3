"""What is being done while a lab goes up or down, or is judged: one line that changes on a terminal.

Elsewhere it is a line for each step of going up and down, and none while a lab is judged: verdicts are lines enough.
"""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import Self, TextIO

from orchestrator.display import printable
from orchestrator.executor import Event, Stage

LINE_LIMIT = 200
"""Characters of a builder's line that are shown where there is no terminal."""

UNKNOWN_COLUMNS = 80
WIPE = "\r\x1b[K"


class Progress:
    """Listens to an executor and to builders; prints to standard error, so that pipes get results only."""

    def __init__(self, title: str, stream: TextIO | None = None) -> None:
        """`title` says what goes on: `lab-11 up`."""
        self.title = title
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.began = time.monotonic()
        self.running: dict[str, None] = {}

    def event(self, event: Event) -> None:
        """An operation of a plan began or ended."""
        if event.stage is Stage.STARTED:
            self.running[event.operation.key] = None
        else:
            self.running.pop(event.operation.key, None)
        if self.live:
            self._draw(f"{event.ended}/{event.total}  {', '.join(map(_brief, self.running))}")
        elif event.stage is not Stage.STARTED:
            word = "" if event.stage is Stage.ENDED else " FAILED"
            self._write(f"{_brief(event.operation.key)}: {event.operation.cause} ({event.duration_s:.2f} s){word}")

    def line(self, text: str) -> None:
        """What a builder said, or who is waited for."""
        shown = printable(text.rstrip(), limit=LINE_LIMIT)
        if self.live:
            self._draw(shown)
        elif shown:
            self._write(shown)

    def now(self, text: str) -> None:
        """What goes on now, for somebody who watches."""
        if self.live:
            self._draw(text)

    def wipe(self) -> None:
        """Make room for somebody else's lines."""
        if self.live:
            self.stream.write(WIPE)
            self.stream.flush()

    def say(self, text: str) -> None:
        """What is worth to stay on the screen."""
        self.wipe()
        self.stream.write(f"{text}\n")
        self.stream.flush()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wipe the live line."""
        self.wipe()

    def _draw(self, text: str) -> None:
        line = f"{self.title}  {time.monotonic() - self.began:4.1f} s  {text}"
        # A line that wraps can't be wiped, and one that ends in the last column wraps on some terminals.
        self.stream.write(f"{WIPE}{line[: self._columns() - 1]}")
        self.stream.flush()

    def _columns(self) -> int:
        """The terminal's width now: windows change."""
        try:
            return os.get_terminal_size(self.stream.fileno()).columns or UNKNOWN_COLUMNS
        except OSError:
            return UNKNOWN_COLUMNS

    def _write(self, text: str) -> None:
        self.stream.write(f"{self.title}: {text}\n")
        self.stream.flush()


def _brief(key: str) -> str:
    """`start container alpha.left` for the key `start container ipclab.lab-11.main.alpha.left`."""
    return " ".join(word.split(".", 3)[-1] if word.startswith("ipclab.") else word for word in key.split(" "))
