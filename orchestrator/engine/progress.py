"""What an engine says while it builds, pulls or imports an image: a line at a time, and the error if there is one.

Pure: the API's JSON objects in, lines out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orchestrator.errors import ImageError

LAST_LINES = 30


def follow(events: Iterable[Mapping[str, Any]], progress: Callable[[str], None], *, doing: str) -> None:
    """Hand each line to `progress`, to the end of the stream.

    Raises:
        ImageError: The engine says that it failed; shows its last lines.
    """
    log = Log(progress)
    failure = ""
    # To the very end even after an error: a connection with unread bytes can't be used again.
    for event in events:
        log.add(event)
        failure = failure or str(event.get("error") or "")
    log.end()
    if failure:
        tail = "\n".join(f"    {line}" for line in log.last)
        raise ImageError(f"can't {doing}: {failure}" + (f"\n{tail}" if tail else ""))


class Log:
    """Whole lines out of the pieces that come."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        """Begin with nothing said."""
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        self._progress = progress
        self._open = ""

    def add(self, event: Mapping[str, Any]) -> None:
        """Take one of the engine's events: a piece of output, or the state of a layer."""
        if "stream" in event:
            *lines, self._open = (self._open + str(event["stream"])).replace("\r", "\n").split("\n")
            for line in lines:
                self._say(line)
        # The bytes of a layer, many times a second, are nobody's progress.
        elif "status" in event and not event.get("progressDetail"):
            self._say(" ".join(str(event[key]) for key in ("id", "status") if key in event))

    def end(self) -> None:
        """Say the last line, which had no end of line."""
        self._say(self._open)
        self._open = ""

    def _say(self, line: str) -> None:
        if line.strip():
            self.last.append(line)
            self._progress(line)
