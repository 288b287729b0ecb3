"""Pulling an image when that is possible: an unreachable registry must not hold anybody up.

An engine without a route to its registry may try for minutes, and a call of its API can't be taken back: it is left
alone.
"""

from __future__ import annotations

import queue
import threading

from orchestrator.engine.base import Engine, Progress
from orchestrator.errors import EngineError, ImageError, MachineError

FIRST_LINE_S = 8.0
"""The engine says its first line as soon as the registry has answered: 1 s where it can be reached."""
SILENCE_S = 180.0
"""A layer's bytes are no lines; 30 MB of them take that long at 1.3 Mbit/s."""


def pull_if_possible(
    engine: Engine,
    reference: str,
    progress: Progress,
    *,
    first_line_s: float = FIRST_LINE_S,
    silence_s: float = SILENCE_S,
) -> bool:
    """Whether the image could be pulled; `progress` hears why not.

    Raises:
        EngineUnavailable: The engine itself is not there any more.
    """
    progress(f"pulling {reference}")
    said: queue.SimpleQueue[str | MachineError | None] = queue.SimpleQueue()
    threading.Thread(target=_pull, args=(engine, reference, said), daemon=True).start()
    patience_s = first_line_s
    while True:
        try:
            news = said.get(timeout=patience_s)
        except queue.Empty:
            progress(f"{reference} can't be pulled: its registry said nothing for {patience_s:g} s")
            return False
        match news:
            case None:
                return True
            case ImageError() | EngineError():
                progress(f"{reference} can't be pulled: {news.what.splitlines()[0]}")
                return False
            case MachineError():
                raise news
            case line:
                progress(line)
                patience_s = silence_s


def _pull(engine: Engine, reference: str, said: queue.SimpleQueue[str | MachineError | None]) -> None:
    try:
        engine.pull_image(reference, said.put)
    except MachineError as error:
        said.put(error)
    else:
        said.put(None)
