"""From what pytest saw to a verdict: the outcome, its points, and what explains it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import pytest

from orchestrator.checks.context import CheckContext
from orchestrator.checks.evidence import Verdict
from orchestrator.checks.marks import terms_of
from orchestrator.checks.outcome import Outcome, TimedOut, Unexpected
from orchestrator.checks.stage import Stage
from orchestrator.display import printable
from orchestrator.errors import IpclabError

LINE_CAP = 300
LINES_CAP = 24
"""Sentences about processes, and about kernel objects: a fork bomb's are all alike."""
ASIDES = ("+ ", "Use -v to ")
"""How lines begin in which pytest speaks to authors."""


def judge(
    item: pytest.Item,
    stage: Stage,
    outcome: Outcome,
    error: BaseException | None,
    context: CheckContext | None,
    compared: tuple[str, str] | None,
    duration_s: float,
) -> Verdict:
    """The verdict of one check; facts and diagnosis are taken now, before anything is cleaned up."""
    terms = terms_of(item)
    if context is not None and outcome is not Outcome.PASSED:
        context.steps.extend(_or_nothing(context.tell_ends))
    expected, observed = _compared(error, compared)
    failed = outcome in (Outcome.FAILED, Outcome.GRADER_ERROR) and context is not None
    return Verdict(
        lab=stage.definition.name,
        exercise=stage.name,
        check=item.name,
        nodeid=item.nodeid,
        title=title_of(item),
        outcome=outcome,
        points=terms.points if outcome is Outcome.PASSED else 0,
        max_points=terms.points,
        duration_s=round(duration_s, 4),
        hint=terms.hint if outcome is Outcome.FAILED else "",
        done=tuple(context.steps) if context else (),
        expected=expected,
        observed=observed,
        reason=_reason(item, error),
        diagnosis=_few(_diagnosis(error, context)) if failed and context else (),
        facts=_few(_facts(context)) if failed and context else (),
        seed=stage.seed,
        replay=_replay(item, stage) if outcome is Outcome.FAILED and context and context.perturbed else "",
        exhibits=tuple(context.exhibits) if context else (),
    )


def _replay(item: pytest.Item, stage: Stage) -> str:
    return f"ipclab check {stage.definition.name} {stage.name} -k {item.name} --seed {stage.seed}"


def title_of(item: pytest.Item) -> str:
    """The sentence that the student reads: the first paragraph of the check's docstring, or its name without one."""
    return _sentence(getattr(item, "obj", None), item.name)


def title_in(module: object, name: str) -> str:
    """The sentence of the check `name` of a test file."""
    return _sentence(getattr(module, name, None), name)


def _sentence(function: object, name: str) -> str:
    return " ".join((inspect.getdoc(function) or name).partition("\n\n")[0].split())


def _compared(error: BaseException | None, compared: tuple[str, str] | None) -> tuple[str, str]:
    if isinstance(error, Unexpected):
        return error.expected, error.observed
    if isinstance(error, AssertionError) and compared:
        form = _octal if "mode" in str(error) else str
        return _line(form(compared[0])), _line(form(compared[1]))
    return "", ""


def _octal(text: str) -> str:
    """A mode as `chmod` writes it, out of a number in decimal; anything else as it is."""
    return f"0{int(text):o}" if text.isdecimal() else text


def _reason(item: pytest.Item, error: BaseException | None) -> str:
    if error is None or isinstance(error, TimedOut):
        return ""
    text = error.why if isinstance(error, Unexpected) else str(error) or type(error).__name__
    # What pytest adds about the parts of an expression ("+  where ...") helps authors, who see it with -v.
    told = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith(ASIDES)]
    # What the author says is for the student; the expression below it says the same in Python.
    told = [line for line in told if not line.startswith("assert ")] or told
    lines = [_line(line) for line in told[:12]]
    place = _line_in_test(item, error)
    return "\n".join([*lines, *([f"({place})"] if place else [])])


def _line(text: str) -> str:
    r"""A line that is safe to show. Its `\n` stays as it is: Python has escaped what it compared already."""
    return printable(text, limit=LINE_CAP).replace("\\\\", "\\")


def _line_in_test(item: pytest.Item, error: BaseException) -> str:
    """`test_fifo.py:31`, where the test itself stood when it happened."""
    frame, found = error.__traceback__, ""
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == str(item.path):
            found = f"{item.path.name}:{frame.tb_lineno}"
        frame = frame.tb_next
    return found


def _diagnosis(error: BaseException | None, context: CheckContext) -> tuple[str, ...]:
    if isinstance(error, Unexpected) and error.diagnosis:
        return error.diagnosis
    said = _or_nothing(context.diagnosis)
    # That programs have ended explains a time-out and nothing else.
    return tuple(sentence for sentence in said if not sentence.endswith(" has ended"))


def _facts(context: CheckContext) -> tuple[str, ...]:
    return _or_nothing(lambda: tuple(fact.describe() for fact in context.leftovers()))


def _few(sentences: Sequence[str]) -> tuple[str, ...]:
    more = len(sentences) - LINES_CAP
    return (*sentences[:LINES_CAP], f"… and {more} more like these") if more > 0 else tuple(sentences)


def _or_nothing(ask: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
    # The engine may be why the check failed; the verdict must come out all the same.
    try:
        return ask()
    except IpclabError as error:
        return (f"no facts: {error.what}",)
