"""Conditions on the fields of facts, and on how many facts there are, in the form in which the agent takes them.

    agent.wait(SysvShm, 5.0, key=5678, size=Ge(27), nattch=In(1, 2), count=Exactly(1))

A plain value must be equal. A double underscore in a keyword is the dot of a nested field: `local__port=5678`.
The agent evaluates conditions; nothing here does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None
Wire: TypeAlias = dict[str, object]


class Condition:
    """Something that a field must satisfy."""

    __slots__ = ()

    def wire(self) -> Wire:
        """What the agent reads."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Ge(Condition):
    """At least this much."""

    value: float

    def wire(self) -> Wire:
        """What the agent reads."""
        return {"ge": self.value}


@dataclass(frozen=True, slots=True)
class Le(Condition):
    """At most this much."""

    value: float

    def wire(self) -> Wire:
        """What the agent reads."""
        return {"le": self.value}


@dataclass(frozen=True, slots=True)
class Between(Condition):
    """From `low` to `high`, both included."""

    low: float
    high: float

    def wire(self) -> Wire:
        """What the agent reads."""
        return {"ge": self.low, "le": self.high}


@dataclass(frozen=True, slots=True)
class Ne(Condition):
    """Anything but this."""

    value: Scalar

    def wire(self) -> Wire:
        """What the agent reads."""
        return {"ne": self.value}


@dataclass(frozen=True, slots=True, init=False)
class In(Condition):
    """One of these: `In("R", "S")`."""

    values: tuple[Scalar, ...]

    def __init__(self, *values: Scalar) -> None:
        """Keep the values."""
        object.__setattr__(self, "values", values)

    def wire(self) -> Wire:
        """What the agent reads."""
        return {"in": list(self.values)}


@dataclass(frozen=True, slots=True)
class Contains(Condition):
    """A list, or a text, that has this in it: `attached=Contains(7)`, `fds=Contains({"kind": "fifo"})`."""

    value: Scalar | Mapping[str, object]

    def wire(self) -> Wire:
        """What the agent reads."""
        return {"contains": self.value}


@dataclass(frozen=True, slots=True)
class Length(Condition):
    """A list of exactly this many: `readers=Length(2)`."""

    value: int

    def wire(self) -> Wire:
        """What the agent reads."""
        return {"length": self.value}


class Count:
    """How many facts must match."""

    __slots__ = ()

    def wire(self) -> Wire:
        """What the agent reads."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class AtLeast(Count):
    """This many facts or more."""

    number: int

    def wire(self) -> Wire:
        """What the agent reads."""
        return {"min": self.number}


@dataclass(frozen=True, slots=True)
class AtMost(Count):
    """This many facts or fewer; `AtMost(0)` waits until there is none."""

    number: int

    def wire(self) -> Wire:
        """What the agent reads."""
        return {"min": 0, "max": self.number}


@dataclass(frozen=True, slots=True)
class Exactly(Count):
    """Neither more nor fewer facts than this."""

    number: int

    def wire(self) -> Wire:
        """What the agent reads."""
        return {"min": self.number, "max": self.number}


def wire_match(match: Mapping[str, object]) -> Wire:
    """The agent's `match` object for keyword arguments: values, lists of values that must be equal, or conditions."""
    return {name.replace("__", "."): _wire_value(value) for name, value in match.items()}


def _wire_value(value: object) -> object:
    if isinstance(value, Condition):
        return value.wire()
    return list(value) if isinstance(value, tuple) else value
