"""What a check gets before it begins: the machine's pace, and values that an earlier check does not still hold."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.checks.fixtures import bench
from orchestrator.checks.stage import Live
from orchestrator.checks.stash import CONTEXT, STAGE
from orchestrator.spec.exercise import PortParameter


class Check:
    """One of a run with a seed, on a session that counts how often the machine's pace was asked for."""

    def __init__(self, live: Live) -> None:
        self.paced = 0
        session = SimpleNamespace(pace=SimpleNamespace(keep=self.keep))
        build = SimpleNamespace()
        stage = SimpleNamespace(
            seed="s",
            stages=SimpleNamespace(live=live),
            exercise=SimpleNamespace(parameters={"port": PortParameter(kind="port")}),
            session=lambda: session,
            **dict.fromkeys(("own", "peers", "instrumented"), lambda: build),
        )
        self.node = SimpleNamespace(nodeid="test_it.py::test_it", stash=pytest.Stash())
        self.node.getparent = lambda kind: SimpleNamespace(stash={STAGE: stage})

    def keep(self) -> None:
        self.paced += 1

    def begin(self) -> Any:
        next(bench(self))  # type: ignore[arg-type]  # no more of a request is asked for
        return self.node.stash[CONTEXT].params


def test_the_pace_is_looked_at_before_each_check() -> None:
    check = Check(Live())
    check.begin()
    assert check.paced == 1


def test_a_port_of_an_earlier_check_is_not_drawn_again_while_it_may_be_in_use() -> None:
    live = Live()
    assert Check(live).begin().port != Check(live).begin().port
    assert Check(Live()).begin() == Check(Live()).begin()
