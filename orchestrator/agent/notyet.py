"""The answer of a wait that was in vain: what is not so yet, and how things stood when the time was up."""

from __future__ import annotations

from orchestrator.agent.fact import Fact
from orchestrator.agent.snapshot import Snapshot


class NotYet(Exception):
    """What was awaited did not come true in time.

    Not an error of ours, so not in the tree of `errors`: whoever waits knows whether a program is to blame.
    """

    def __init__(
        self, what: str, snapshot: Snapshot, *, facts: tuple[Fact, ...] = (), number: int | None = None
    ) -> None:
        """Keep what was awaited, in words; everything that there was at the end; the facts that matched then.

        `number` is the agent's number of the program that has not ended, if that was awaited.
        """
        super().__init__(what)
        self.what = what
        self.snapshot = snapshot
        self.facts = facts
        self.number = number
