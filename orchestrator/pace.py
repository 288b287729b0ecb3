"""How slow the machine is now, so that nobody fails because others use it, too: deadlines grow with it.

Three things are looked at, for each can be slow while the others are not: programs that start and sleep soon are
served first on a busy machine, those that compute take turns, and we ourselves are in another control group than the
containers. With sixteen processes outside them that compute, a start took what it takes on an idle machine, and what
we did thirteen times as long.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

FRESH_S = 10.0
"""A measurement holds for so long: others' load comes and goes."""
SLOWEST = 10.0
"""Deadlines do not grow further."""
START = ("/bin/true",)
STARTS = 5
IDLE_START_S = 0.004
"""To start it through the agent and see its end, on an idle machine of two processors: 2 to 3 ms."""
COMPUTE = ("/bin/sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done")
IDLE_COMPUTE_S = 0.05
"""The same for what computes: 0.03 to 0.04 s."""
OWN_S = 0.01
"""We compute for so long, in processor time: several turns on a busy machine."""


@dataclass(slots=True)
class Pace:
    """How much longer things may take here than on an idle machine."""

    took_s: Callable[[tuple[str, ...]], float]
    """Runs a command in a container and gives how long that took."""
    clock: Callable[[], float] = time.monotonic
    processor: Callable[[], float] = time.thread_time
    scale: float = 1.0
    """What to multiply a deadline with: 1 to 10."""
    _measured: float = -math.inf

    def keep(self) -> None:
        """Measure, unless that was done a moment ago: it takes about 0.06 s on an idle machine."""
        if self.clock() - self._measured >= FRESH_S:
            self.scale = min(max(self._starts(), self._computes(), self._we_compute(), 1.0), SLOWEST)
            self._measured = self.clock()

    def _starts(self) -> float:
        return statistics.median(self.took_s(START) for _ in range(STARTS)) / IDLE_START_S

    def _computes(self) -> float:
        return self.took_s(COMPUTE) / IDLE_COMPUTE_S

    def _we_compute(self) -> float:
        began, computed = self.clock(), self.processor()
        while (own_s := self.processor() - computed) < OWN_S:
            pass
        return (self.clock() - began) / own_s
