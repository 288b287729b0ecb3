"""Exhaustion: the limits of their containers that a check's programs ran into, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.agent.facts import Limits as Met
from orchestrator.spec.quantity import size_text
from orchestrator.world import Limits


def exhaustion(place: str, limits: Limits, before: Iterable[Met], now: Iterable[Met]) -> Iterator[str]:
    """Which limits were met in a place between two looks, a sentence each."""
    for earlier, later in zip(before, now, strict=False):
        if _rose(earlier.forks_refused, later.forks_refused):
            yield f"too many processes in {place}: {limits.pids} may run there at once, with their threads"
        if _rose(earlier.oom_kills, later.oom_kills):
            yield memory_ran_out(place, limits)


def memory_ran_out(place: str, limits: Limits) -> str:
    """The sentence that says so."""
    return f"out of memory in {place}: more than {size_text(limits.memory_bytes)}, so the kernel killed a process there"


def _rose(before: int | None, now: int | None) -> bool:
    # A container that was restarted counts from 0 again: what it counts then happened since.
    return (now or 0) > (0 if before is None or (now or 0) < before else before)
