"""Matches: what a fact must be like to be in an answer.

    {"key": 5678, "nattch": {"ge": 1}, "local.port": 5678, "fds": {"contains": {"kind": "fifo"}}}

Where facts come from does not belong here.
"""

from __future__ import annotations

from refusal import USAGE, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Predicate = Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    """Whether it is a number, which true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal_to(wanted: Any) -> Predicate:
    return lambda value: bool(value == wanted)


def _at_least(operand: Any) -> Predicate:
    return lambda value: _is_number(value) and bool(value >= operand)


def _at_most(operand: Any) -> Predicate:
    return lambda value: _is_number(value) and bool(value <= operand)


def _one_of(operand: Any) -> Predicate:
    return lambda value: value in operand


def _contains(operand: Any) -> Predicate:
    """A text with this in it, a list with an element equal to this, or that matches this object."""
    if isinstance(operand, dict):
        wanted = Match(operand)
        return lambda value: isinstance(value, list) and any(wanted.accepts(one) for one in value)
    return lambda value: (
        isinstance(value, list) and operand in value
        if not isinstance(value, str)
        else isinstance(operand, str) and operand in value
    )


def _has_length(operand: Any) -> Predicate:
    return lambda value: isinstance(value, list | str | dict) and len(value) == operand


# Each operator: what its operand must be, and the predicate that an operand makes.
OPERATORS: dict[str, tuple[Callable[[Any], bool], Callable[[Any], Predicate]]] = {
    "ge": (_is_number, _at_least),
    "le": (_is_number, _at_most),
    "ne": (lambda _operand: True, lambda operand: lambda value: bool(value != operand)),
    "in": (lambda operand: isinstance(operand, list), _one_of),
    "contains": (lambda _operand: True, _contains),
    "length": (_is_number, _has_length),
}


class Match:
    """Conditions on fields, all of which must hold."""

    def __init__(self, conditions: dict[str, Any]) -> None:
        """Understand the conditions. Raises Refusal (`usage`) when an operator is used in the wrong way."""
        self._equal: dict[str, Any] = {}
        self._conditions: list[tuple[list[str], Predicate]] = []
        for field, wanted in conditions.items():
            path = field.split(".")
            if _has_operators(field, wanted):
                self._conditions += [(path, predicate) for predicate in _predicates(field, wanted)]
            else:
                self._equal[field] = wanted
                self._conditions.append((path, _equal_to(wanted)))

    def check_fields(self, kind: str, fields: Iterable[str]) -> None:
        """Refuse a condition on a field that facts of this kind do not have."""
        known = tuple(fields)
        for path, _ in self._conditions:
            if path[0] not in known:
                raise Refusal(USAGE, f"`{kind}` has no field `{path[0]}`; it has {', '.join(known)}")

    def value(self, field: str) -> Any:
        """What the field must be equal to; None when there is no such condition. It says where to look."""
        return self._equal.get(field)

    def accepts(self, fact: Any) -> bool:
        """Whether all conditions hold."""
        return all(predicate(_at(fact, path)) for path, predicate in self._conditions)

    def may_accept(self, fact: dict[str, Any]) -> bool:
        """Whether the conditions hold that are on fields which the fact has so far."""
        return all(predicate(_at(fact, path)) for path, predicate in self._conditions if path[0] in fact)


def _has_operators(field: str, wanted: Any) -> bool:
    """Whether this is an object of operators, not a value."""
    if not isinstance(wanted, dict) or not OPERATORS.keys() & wanted.keys():
        return False
    if wanted.keys() - OPERATORS.keys():
        raise Refusal(USAGE, f"`{field}` has a condition that is none of {', '.join(OPERATORS)}")
    return True


def _predicates(field: str, wanted: Any) -> list[Predicate]:
    """What the operators of one field ask of its value."""
    predicates = []
    for name, operand in wanted.items():
        fits, make = OPERATORS[name]
        if not fits(operand):
            raise Refusal(USAGE, f"`{field}` has a condition `{name}` with an operand that does not fit it")
        predicates.append(make(operand))
    return predicates


def _at(fact: Any, path: list[str]) -> Any:
    """The value at a path of names; None when something on the way is not there."""
    for name in path:
        fact = fact.get(name) if isinstance(fact, dict) else None
    return fact
