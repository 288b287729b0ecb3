"""Limits that programs ran into, told from two looks at what the kernel has counted."""

from __future__ import annotations

import pytest

from orchestrator.agent.facts import Limits as Met
from orchestrator.checks.exhaustion import exhaustion
from orchestrator.engine.fake import FakeEngine
from orchestrator.world import Limits

LIMITS = Limits(
    memory_bytes=96 << 20, pids=64, tmp_bytes=1, tmp_inodes=1, cpus=1.0, file_bytes=1, open_files=1, mqueue_bytes=1
)
FORKS = "too many processes in alpha/left: 64 may run there at once, with their threads"
MEMORY = "out of memory in alpha/left: more than 96MiB, so the kernel killed a process there"


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ((0, 0), (0, 0), []),
        ((7, 1), (7, 1), []),
        ((7, 1), (8, 1), [FORKS]),
        ((7, 1), (9, 2), [FORKS, MEMORY]),
        ((None, None), (None, None), []),
        ((None, 1), (0, 1), []),
        ((7, 1), (3, 0), [FORKS]),  # the container was restarted, and has counted from 0 since
    ],
)
def test_what_was_counted_between_two_looks_is_said(
    before: tuple[int | None, int | None], now: tuple[int | None, int | None], said: list[str]
) -> None:
    assert list(exhaustion("alpha/left", LIMITS, [Met(*before)], [Met(*now)])) == said


def test_an_agent_that_could_not_look_says_nothing() -> None:
    assert list(exhaustion("alpha/left", LIMITS, [], [Met(1, 1)])) == []


def test_the_engine_remembers_whose_memory_ran_out() -> None:
    engine = FakeEngine()
    engine.starve("ipclab.lab-11.main.alpha.left")
    assert engine.ran_out_of_memory("ipclab.lab-11.main.alpha.left")
    assert not engine.ran_out_of_memory("ipclab.lab-11.main.alpha.right")
