"""Sleeping and looking again, told apart by what the kernel counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from orchestrator.agent.facts import Process
from orchestrator.checks.asleep import PATIENCE_S, see_asleep
from orchestrator.checks.outcome import Unexpected

ASLEEP = Process(
    pid=7, ppid=1, pgid=7, sid=7, uid=1998, gid=1000, comm="server", argv=("server",), exe=None, state="S", threads=1,
    utime_s=0.0, stime_s=0.0, start_ticks=1, voluntary_switches=3,
)  # fmt: skip


class Clock:
    """Time that passes when somebody pauses, and a program that is a function of it."""

    def __init__(self, program: Callable[[float], Sequence[Process]]) -> None:
        self.now_s = 0.0
        self.program = program

    def look(self) -> Sequence[Process]:
        return self.program(self.now_s)

    def pause(self, for_s: float) -> None:
        self.now_s += for_s

    def see(self, for_s: float = 0.5, patience_s: float = PATIENCE_S) -> None:
        see_asleep(self.look, for_s, patience_s, pause=self.pause)


def polling(every_s: float) -> Callable[[float], Sequence[Process]]:
    """Wakes up so often from the beginning of time."""
    return lambda now_s: [ASLEEP, replace(ASLEEP, pid=8, voluntary_switches=int(now_s / every_s + 1e-9))]


def test_who_never_wakes_sleeps() -> None:
    Clock(lambda now_s: [ASLEEP]).see()


def test_what_comes_before_it_settles_is_not_held_against_it() -> None:
    def busy_first(now_s: float) -> Sequence[Process]:
        done = min(now_s, 0.3)
        return [replace(ASLEEP, state="R" if now_s < 0.3 else "S", utime_s=done, voluntary_switches=int(done * 100))]

    Clock(busy_first).see()


@pytest.mark.parametrize("every_s", [0.1, 0.2])
def test_a_child_that_looks_now_and_then_is_told(every_s: float) -> None:
    with pytest.raises(Unexpected, match=r"woke up [2-5] times within 0\.5 s"):
        Clock(polling(every_s)).see()


@pytest.mark.parametrize("until_s", [0.0, 0.04, 0.3])
def test_who_has_ended_does_not_sleep(until_s: float) -> None:
    with pytest.raises(Unexpected, match="it has ended"):
        Clock(lambda now_s: [ASLEEP] if now_s < until_s else []).see()


def test_who_looks_often_never_settles() -> None:
    with pytest.raises(Unexpected, match="does not come to rest"):
        Clock(polling(0.01)).see()


def test_who_waits_for_its_own_pages_has_not_settled() -> None:
    def loading(now_s: float) -> Sequence[Process]:
        return [replace(ASLEEP, state="D" if now_s < 0.3 else "S", voluntary_switches=0 if now_s < 0.3 else 9)]

    Clock(loading).see()


def test_a_slow_machine_gives_more_time_to_settle() -> None:
    def starting(now_s: float) -> Sequence[Process]:
        return [replace(ASLEEP, voluntary_switches=int(min(now_s, 3) * 100))]

    with pytest.raises(Unexpected, match="does not come to rest within 2 s"):
        Clock(starting).see()
    Clock(starting).see(patience_s=4)


def test_who_computes_without_ever_giving_the_processor_away_is_told() -> None:
    with pytest.raises(Unexpected, match="of processor time"):
        Clock(lambda now_s: [replace(ASLEEP, utime_s=now_s)]).see()
