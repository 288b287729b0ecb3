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


class Unexpected(AssertionError):
    """Something was not as it should be: what was expected, what there was instead, where each process is."""

    def __init__(self, expected: str, observed: str, diagnosis: Sequence[str] = (), why: str = "") -> None:
        """Keep the parts; the report shows them one by one. `why` is the author's word on what it means."""
        super().__init__("\n".join((*([why] if why else []), f"expected {expected}, but {observed}", *diagnosis)))
        self.expected = expected
        self.observed = observed
        self.diagnosis = tuple(diagnosis)
        self.why = why


class TimedOut(Unexpected):
    """Something awaited did not happen in time."""


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
