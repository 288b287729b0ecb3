"""Random values for a check's parameters, from the run's seed and the check's name: a printed constant can't pass."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence

from orchestrator.errors import UsageError
from orchestrator.spec.exercise import (
    ChoiceParameter,
    IntegerParameter,
    KeyParameter,
    NameParameter,
    Parameter,
    PortParameter,
    TextParameter,
)

Value = int | str


class Params(Mapping[str, Value]):
    """A check's parameters, as attributes (`params.key`) and as a mapping."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Value]) -> None:
        """Hold `values`; nothing changes them."""
        self._values = dict(values)

    def __getattr__(self, name: str) -> Value:
        """The value of a parameter.

        Raises:
            AttributeError: The exercise declares no such parameter; names those that it does.
        """
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"no parameter {name!r}; there are {', '.join(self._values) or 'none'}") from None

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Params({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"


PORTS = tuple(port for port in range(20000, 30000) if port >> 8 != port & 0xFF)
"""What a `port` may be; the two bytes differ, so that a forgotten htons() shows."""


def draw(parameters: Mapping[str, Parameter], seed: str, ports: Sequence[int] = ()) -> Params:
    """Random values for `parameters`; the same seed gives the same values, each parameter independent of the others.

    Except for ports: these are the next of `ports`, as long as there are any. See `shares()`.
    """
    left = iter(ports)
    values: dict[str, Value] = {}
    for name, kind in parameters.items():
        drawn = _value(kind, random.Random(f"{seed} {name}"))
        values[name] = next(left, drawn) if isinstance(kind, PortParameter) else drawn
    return Params(values)


def shares(seed: str, whose: int, among: int) -> Sequence[int]:
    """All ports in random order, dealt out to `among`: those of `whose`, which is from 0.

    A port is to be new to every check of a run: a server's last connection holds its port for a minute (TIME-WAIT),
    and a student's server that finds its port taken fails for no fault of its own.
    """
    return random.Random(f"{seed} ports").sample(PORTS, len(PORTS))[whose::among]


def _value(parameter: Parameter, rng: random.Random) -> Value:
    match parameter:
        case KeyParameter():
            return rng.randrange(0x10000, 0x7FFFFFFF)
        case IntegerParameter():
            return rng.randint(parameter.min, parameter.max)
        case TextParameter():
            return "".join(rng.choices(parameter.alphabet, k=rng.randint(parameter.min, parameter.max)))
        case NameParameter():
            return parameter.prefix + "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=10))
        case PortParameter():
            return rng.choice(PORTS)
        case ChoiceParameter():
            return rng.choice(parameter.values)


def fill(templates: tuple[str, ...], values: Mapping[str, Value]) -> tuple[str, ...]:
    """`templates` with `{name}` replaced; names may hold a dot (`{beta.ipv4}`), doubled braces stand for one.

    Raises:
        UsageError: A template names what is not there, or braces do not match.
    """
    return tuple(_fill(template, values) for template in templates)


def _fill(template: str, values: Mapping[str, Value]) -> str:
    text, rest = "", template
    while rest:
        if rest[:2] in ("{{", "}}"):
            text, rest = text + rest[0], rest[2:]
        elif rest[0] == "{":
            name, closed, rest = rest[1:].partition("}")
            if not closed or name not in values:
                raise UsageError(f"{template!r} names {name!r}, which is not there; there are {', '.join(values)}")
            text += str(values[name])
        else:
            text, rest = text + rest[0], rest[1:]
    return text
