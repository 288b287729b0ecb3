"""A pytest plugin: each fact costs a `docker exec` of its own, as with testinfra's Docker backend. For comparison only.

Programs still run under the agent that is already there, which favours this side.
"""

from __future__ import annotations

import time
from typing import Any

from orchestrator.agent.client import SOME, Agent
from orchestrator.agent.fact import Fact
from orchestrator.agent.match import Count
from orchestrator.agent.notyet import NotYet
from orchestrator.agent.snapshot import Snapshot
from orchestrator.lifecycle import connect

FACTS, SNAPSHOT = Agent.facts, Agent.snapshot
ENGINE = connect()


def facts(self: Agent, kind: type[Fact], **match: Any) -> tuple[Fact, ...]:
    with Agent.start(ENGINE, self.container) as fresh:
        return FACTS(fresh, kind, **match)


def snapshot(self: Agent, *kinds: type[Fact]) -> Snapshot:
    with Agent.start(ENGINE, self.container) as fresh:
        return SNAPSHOT(fresh, *kinds)


def wait(self: Agent, kind: type[Fact], timeout_s: float, *, count: Count = SOME, **match: Any) -> tuple[Fact, ...]:
    bounds = count.wire()
    low, high = bounds.get("min", 0), bounds.get("max")
    deadline = time.monotonic() + timeout_s
    while True:
        found = facts(self, kind, **match)
        if len(found) >= low and (high is None or len(found) <= high):
            return found
        if time.monotonic() > deadline:
            raise NotYet("not so", SNAPSHOT(self), facts=found)


Agent.facts, Agent.snapshot, Agent.wait = facts, snapshot, wait  # type: ignore[assignment, method-assign]
