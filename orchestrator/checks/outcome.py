"""The four outcomes of a check, and the exception for what did not happen in time."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import pytest


class Outcome(StrEnum):
    """How a check ended. Only `failed` is the student's doing; `blocked` needs another check first."""

    PASSED = "passed"
    FAILED = "failed"
    BLOCKED = "blocked"
    GRADER_ERROR = "grader error"


class TimedOut(AssertionError):
    """Something awaited did not happen in time: what it was, what there was instead, where each process is."""

    def __init__(self, awaited: str, observed: str, diagnosis: Sequence[str] = ()) -> None:
        """Keep the three parts; the report shows them one by one."""
        super().__init__("\n".join((f"awaited {awaited}, but {observed}", *diagnosis)))
        self.awaited = awaited
        self.observed = observed
        self.diagnosis = tuple(diagnosis)


def classify(error: BaseException | None) -> Outcome:
    """The outcome of a check that raised `error` (None: nothing).

    An assertion is the student's failure; anything else that is raised (the engine's errors, a bug of the test) is not.
    """
    if error is None:
        return Outcome.PASSED
    if isinstance(error, AssertionError | pytest.fail.Exception):
        return Outcome.FAILED
    if isinstance(error, pytest.skip.Exception):
        return Outcome.BLOCKED
    return Outcome.GRADER_ERROR
