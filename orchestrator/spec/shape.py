"""A model made from a document, and what is wrong with the document's shape.

When something is wrong the model is made of the rest, so that the rules can still judge that: all problems at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from orchestrator.errors import Problem
from orchestrator.spec.document import Document
from orchestrator.spec.lab import Part
from orchestrator.spec.tree import MAX_DEPTH, Data, DataPath

MAX_COMPLAINTS = 100
"""More mistakes in the shape than this, and it is no definition: the rules would judge rubble."""
_STAND_IN = {"title": "?", "topic": "?", "summary": "?"}
"""What to take for a text that is not there: nothing depends on it, everything is judged with it."""

if TYPE_CHECKING:
    from orchestrator.spec.wording import Complaint

P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class Shaped(Generic[P]):
    """A model, of what was right in the document; None when too little was."""

    model: P | None
    problems: tuple[Problem, ...]


def shape(model: type[P], document: Document) -> Shaped[P]:
    """The document as a `model`, and all problems with its shape."""
    data = document.data
    problems: tuple[Problem, ...] | None = None
    for _ in range(2 * MAX_DEPTH):
        if not isinstance(data, dict):
            break
        try:
            return Shaped(model.model_validate(data), problems or ())
        except ValidationError as error:
            from orchestrator.spec.wording import complaint  # imported here: only a mistake needs it

            details = (found for found in error.errors(include_url=False) if not _follows(found))
            complaints = [complaint(model, found) for found in islice(details, 2 * MAX_COMPLAINTS)]
        if problems is None:
            problems = tuple(_problem(document, found) for found in _without_echoes(complaints))
        data = _without(data, complaints) if len(complaints) <= MAX_COMPLAINTS else None
    return Shaped(None, problems or ())


def _follows(details: ErrorDetails) -> bool:
    """Whether a list is only called empty because none of its items was right."""
    return details["type"] == "too_short" and bool(details["input"])


def _without_echoes(complaints: list[Complaint]) -> Iterator[Complaint]:
    """The complaints without those about a key that is there, only mistyped: one mistake, one problem."""
    meant = {(found.path[:-1], found.meant) for found in complaints if found.meant}
    return (found for found in complaints if (found.path, found.lacking) not in meant)


def _problem(document: Document, found: Complaint) -> Problem:
    return document.problem(found.path, found.what, found.fix, at_key=found.at_key)


def _without(data: Data, complaints: Iterable[Complaint]) -> Data:
    """The data with what was complained of left out. The last item of a list goes first: positions stay right."""
    for found in sorted(complaints, key=_in_lists, reverse=True):
        data = _mended(data, found.path, found.lacking)
    return data


def _in_lists(found: Complaint) -> tuple[int, ...]:
    return tuple(step for step in found.path if isinstance(step, int))


def _mended(node: Data, path: DataPath, lacking: str) -> Data:
    """A copy of `node` without what is at `path`, or with a stand-in for the key that it lacks; None if all must go."""
    if not path:
        return {**node, lacking: _STAND_IN[lacking]} if lacking in _STAND_IN else None
    copy = dict(node) if isinstance(node, dict) else dict(enumerate(node)) if isinstance(node, list) else {}
    if path[0] in copy:
        inner = _mended(copy[path[0]], path[1:], lacking)
        if inner is None:
            del copy[path[0]]
        else:
            copy[path[0]] = inner
    return list(copy.values()) if isinstance(node, list) else copy
