"""Timing: two things in turns, medians of each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

Step = Callable[[], object]


def seconds(step: Step) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def in_turns(steps: Mapping[str, Step], rounds: int, between: Step = lambda: None) -> dict[str, list[float]]:
    """Seconds of each step, `rounds` times in turns after one round that does not count; `between` runs untimed."""
    found: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, step in steps.items():
            took_s = seconds(step)
            between()
            if turn:
                found[name].append(took_s)
    return found


def medians(found: Mapping[str, list[float]]) -> dict[str, float]:
    """The median of each."""
    return {name: statistics.median(times) for name, times in found.items()}
