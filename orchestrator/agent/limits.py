"""How often a container has met its limits, as its control groups count it. See cgroups(7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from orchestrator.agent.fact import Fact, Identity, counted


@dataclass(frozen=True, slots=True)
class Limits(Fact):
    """What the kernel has refused to a container's processes since it was started; None where it does not say."""

    kind: ClassVar[str] = "limits"
    forks_refused: int | None
    """Forks, and new threads, that would have been more processes than there may be."""
    oom_kills: int | None
    """Processes that were killed because the container's memory was full."""

    @property
    def identity(self) -> Identity:
        """There is one for each container."""
        return (self.kind,)

    def describe(self) -> str:
        """Both counts."""
        forks, kills = (number or 0 for number in (self.forks_refused, self.oom_kills))
        return f"limits met: {counted(forks, 'refused fork')}, {counted(kills, 'kill')} for memory"
