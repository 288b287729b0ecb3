"""Verdicts are drawn in the lab's order, whatever order they come in."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.checks.evidence import Verdict
from orchestrator.checks.outcome import Outcome
from orchestrator.spec.load import load_lab
from orchestrator.ui.progress import WIPE, Progress
from orchestrator.ui.table import Screen
from orchestrator.ui.verdicts import Verdicts

ORDER = ("sysv-shm", "fifo", "tcp")
LAB = load_lab(Path(__file__).parents[2] / "labs" / "lab-11", only=ORDER)
TITLES = [LAB.exercises[name].exercise.title for name in ORDER]


def verdict(exercise: str, check: str, outcome: Outcome = Outcome.PASSED) -> Verdict:
    return Verdict(
        lab="lab-11",
        exercise=exercise,
        check=check,
        nodeid=f"labs/lab-11/{exercise}/test_it.py::{check}",
        title=f"{exercise} {check}",
        outcome=outcome,
        points=int(outcome is Outcome.PASSED),
        max_points=1,
        duration_s=0.1,
        reason="it does not" if outcome is Outcome.FAILED else "",
    )


class Screened:
    """Verdicts on a screen that is kept."""

    def __init__(self, collapse: bool = True, progress: TextIO | None = None) -> None:
        self.file = io.StringIO()
        screen = Screen(file=self.file, width=120, markup=False, emoji=False, highlight=False)
        self.verdicts = Verdicts(LAB, screen, Progress("lab-11 judged", progress or io.StringIO()), collapse)
        self.verdicts.begin(dict.fromkeys(ORDER, 2))

    def judged(self, exercise: str, check: str, outcome: Outcome = Outcome.PASSED) -> str:
        """What the screen shows after a check is over."""
        self.verdicts.show(verdict(exercise, check, outcome))
        self.verdicts.end(exercise)
        return self.text()

    def text(self) -> str:
        return self.file.getvalue()

    def places(self) -> list[int]:
        return [self.text().find(title) for title in TITLES]


def test_an_exercise_that_is_judged_before_its_turn_waits_for_it() -> None:
    screen = Screened()
    for check in ("a", "b"):
        screen.judged("fifo", check)
    assert screen.text() == ""
    screen.judged("sysv-shm", "a")
    assert TITLES[0] not in screen.text()
    screen.judged("sysv-shm", "b")
    assert TITLES[0] in screen.text()
    assert TITLES[1] in screen.text()


def test_what_fails_is_shown_at_once_when_its_exercise_has_its_turn() -> None:
    screen = Screened()
    assert screen.judged("sysv-shm", "a", Outcome.FAILED).count("it does not") == 1
    assert screen.judged("tcp", "a", Outcome.FAILED).count("it does not") == 1
    text = screen.judged("sysv-shm", "b")
    assert "1 more checks of sysv-shm passed" in text
    assert text.count(TITLES[0]) == 1


def test_what_was_judged_of_a_run_that_ends_early_is_shown() -> None:
    screen = Screened()
    screen.judged("tcp", "a", Outcome.FAILED)
    screen.judged("fifo", "a")
    screen.verdicts.finish()
    assert screen.places()[0] == -1
    assert 0 < screen.places()[1] < screen.places()[2]


def test_a_second_verdict_on_a_check_is_shown_when_its_exercise_is_over() -> None:
    screen = Screened()
    for check in ("a", "b"):
        screen.judged("sysv-shm", check)
    screen.verdicts.show(verdict("sysv-shm", "b", Outcome.GRADER_ERROR))
    assert "sysv-shm b" in screen.text()


def test_checks_that_nobody_announced_are_shown_in_the_end() -> None:
    screen = Screened()
    screen.verdicts.order, screen.verdicts.left = (), {}
    screen.judged("fifo", "a")
    screen.verdicts.finish()
    assert TITLES[1] in screen.text()


class Terminal(io.StringIO):
    """Takes itself for one."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_line_that_changes_tells_how_far_it_is() -> None:
    terminal = Terminal()
    screen = Screened(progress=terminal)
    screen.judged("sysv-shm", "a")
    screen.judged("tcp", "a")
    screen.judged("sysv-shm", "b")
    screen.verdicts.finish()
    lines = [re.sub(r" +[0-9.]+ s ", "", line).strip() for line in terminal.getvalue().split(WIPE)]
    assert [line for line in lines if line] == [
        "lab-11 judged 0/3",
        "lab-11 judged 0/3  sysv-shm",
        "lab-11 judged 0/3  sysv-shm, tcp",
        "lab-11 judged 1/3  tcp",
    ]
    assert terminal.getvalue().endswith(WIPE)


@pytest.mark.parametrize("collapse", [True, False])
@given(data=st.data())
def test_any_interleaving_draws_the_same(collapse: bool, data: st.DataObject) -> None:
    def interleaved() -> Iterator[tuple[str, str]]:
        left = {name: ["a", "b"] for name in ORDER}
        while any(left.values()):
            name = data.draw(st.sampled_from([name for name, checks in left.items() if checks]))
            yield name, left[name].pop(0)

    failing = data.draw(st.frozensets(st.tuples(st.sampled_from(ORDER), st.sampled_from("ab"))))
    screens = Screened(collapse), Screened(collapse)
    in_order = [(name, check) for name in ORDER for check in "ab"]
    for screen, judged in zip(screens, (in_order, list(interleaved())), strict=True):
        for one in judged:
            screen.judged(*one, Outcome.FAILED if one in failing else Outcome.PASSED)
        screen.verdicts.finish()
    assert screens[0].text() == screens[1].text()
