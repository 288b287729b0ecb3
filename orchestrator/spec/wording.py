"""pydantic's complaints in the words of somebody who writes a lab: what is wrong, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails

from orchestrator.display import printable
from orchestrator.spec.anatomy import Spot, kinds_in, spot_of
from orchestrator.spec.lab import Part
from orchestrator.spec.names import RULES
from orchestrator.spec.refusal import Refused, shown
from orchestrator.spec.suggest import closest, did_you_mean
from orchestrator.spec.tree import DataPath


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong at a path."""

    path: DataPath
    at_key: bool
    what: str
    fix: str
    lacking: str = ""
    """The key that should be there and is not."""
    meant: str = ""
    """The key that an unknown one was perhaps meant to be."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One of pydantic's errors, with what is needed to word it."""

    model: type[Part]
    spot: Spot
    details: ErrorDetails

    @property
    def context(self) -> Mapping[str, Any]:
        return self.details.get("ctx", {})

    @property
    def subject(self) -> str:
        """What the sentence is about: a key, an item of a list, a name."""
        return _subject(self.spot.path, at_key=self.spot.at_key)

    @property
    def found(self) -> str:
        return shown(self.details["input"])


def complaint(model: type[Part], details: ErrorDetails) -> Complaint:
    """One error of pydantic's as a complaint about the YAML."""
    spot = spot_of(model, details["loc"])
    case = _Case(model, spot, details)
    if details["type"] == "missing":
        about = spot.field.description if spot.field else None
        parent = _subject(spot.path[:-1], at_key=False)
        fix = f"add it: {about[0].lower()}{about[1:]}" if about else "add it"
        return Complaint(spot.path[:-1], True, f"{parent} has no `{spot.name}`", fix, lacking=spot.name)
    if details["type"] == "extra_forbidden":
        return _unknown_key(case)
    what, fix = _WORDINGS.get(details["type"], _anything_else)(case)
    path = (*spot.path, "kind") if details["type"] == "union_tag_invalid" else spot.path
    return Complaint(path, spot.at_key or details["type"] == "union_tag_not_found", what, fix)


def _subject(path: DataPath, *, at_key: bool) -> str:
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        return f"item {path[-1] + 1} of {_subject(path[:-1], at_key=False)}"
    name = f"`{printable(path[-1], limit=60)}`"
    return f"the name {name}" if at_key else name


def _unknown_key(case: _Case) -> Complaint:
    owner, name = case.spot.owner, case.spot.name
    known = [field for field in owner.model_fields if field != "kind"] if owner else []
    parent = case.spot.path[:-1]
    where = f"in {_subject(parent, at_key=False)}" if parent else "at the top of the file"
    what = f"there is no key `{printable(name, limit=60)}` {where}"
    fix = did_you_mean(name, known, none="remove it")
    return Complaint(case.spot.path, True, what, fix, meant=closest(name, known) or "")


def _text(case: _Case) -> tuple[str, str]:
    value = case.details["input"]
    plain = isinstance(value, int | float)
    fix = f'quote it: "{str(value).lower() if isinstance(value, bool) else value}"' if plain else "write it in quotes"
    return f"{case.subject} must be text, not {case.found}", fix


def _whole_number(case: _Case) -> tuple[str, str]:
    return f"{case.subject} must be a whole number, not {case.found}", "write digits only, without quotes"


def _number(case: _Case) -> tuple[str, str]:
    return f"{case.subject} must be a number, not {case.found}", "write it without quotes, such as 0.5"


def _mapping(case: _Case) -> tuple[str, str]:
    fix = "write its keys below it, indented, or {} if it needs none"
    return f"{case.subject} must be a mapping, not {case.found}", fix


def _list(case: _Case) -> tuple[str, str]:
    return (
        f"{case.subject} must be a list, not {case.found}",
        "write [a, b], or a line that begins with - for each item",
    )


def _one_of(case: _Case) -> tuple[str, str]:
    choices = [word for word in str(case.context.get("expected", "")).split("'") if word.isidentifier()]
    return f"{case.subject} can't be {case.found}", did_you_mean(str(case.details["input"]), choices)


def _unknown_kind(case: _Case) -> tuple[str, str]:
    kinds = kinds_in(case.model, case.details["loc"])
    kind = case.details["input"].get("kind")
    return f"`kind` of {case.subject} can't be {shown(kind)}", did_you_mean(str(kind), kinds)


def _no_kind(case: _Case) -> tuple[str, str]:
    kinds = kinds_in(case.model, case.details["loc"])
    return f"{case.subject} has no `kind`", f"add it: {', '.join(kinds[:-1])} or {kinds[-1]}"


def _pattern(case: _Case) -> tuple[str, str]:
    rule = RULES.get(str(case.context.get("pattern")), "")
    if case.spot.at_key:
        return f"{case.found} can't be a name here", rule
    return f"{case.subject} can't be {case.found}", rule


def _too_short(case: _Case) -> tuple[str, str]:
    return f"{case.subject} is empty", "write at least one"


def _empty_text(case: _Case) -> tuple[str, str]:
    return f"{case.subject} is empty", "write something"


def _too_long(case: _Case) -> tuple[str, str]:
    return f"{case.subject} has more than {case.context['max_length']} characters", "shorten it"


def _bound(words: str, bound: str) -> Callable[[_Case], tuple[str, str]]:
    def word(case: _Case) -> tuple[str, str]:
        limit = case.context[bound]
        shown_limit = f"{limit:g}" if isinstance(limit, float) else str(limit)
        return f"{case.subject} is {case.details['input']}", f"write a number {words} {shown_limit}"

    return word


def _refused(case: _Case) -> tuple[str, str]:
    error = case.context.get("error")
    return (error.what, error.fix) if isinstance(error, Refused) else (str(error), "")


def _anything_else(case: _Case) -> tuple[str, str]:
    return f"{case.subject} can't be {case.found}", case.details["msg"]


_WORDINGS: Mapping[str, Callable[[_Case], tuple[str, str]]] = {
    "string_type": _text,
    "int_type": _whole_number,
    "int_from_float": _whole_number,
    "float_type": _number,
    "dict_type": _mapping,
    "model_type": _mapping,
    "model_attributes_type": _mapping,
    "tuple_type": _list,
    "frozen_set_type": _list,
    "literal_error": _one_of,
    "union_tag_invalid": _unknown_kind,
    "union_tag_not_found": _no_kind,
    "string_pattern_mismatch": _pattern,
    "too_short": _too_short,
    "string_too_short": _empty_text,
    "string_too_long": _too_long,
    "greater_than": _bound("above", "gt"),
    "greater_than_equal": _bound("not below", "ge"),
    "less_than_equal": _bound("not above", "le"),
    "value_error": _refused,
}
