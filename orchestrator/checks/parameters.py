"""Random values for a check's parameters, from the run's seed and the check's name: a printed constant can't pass."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping

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
HELD_S = 120.0
"""For how long a port is not drawn again: a server's last connection holds it for a minute (TIME-WAIT), tcp(7)."""


class Ports:
    """The ports that were drawn a while ago: a server that finds its port taken would fail for no fault of its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """None was drawn; `clock` gives seconds."""
        self._clock = clock
        self._drawn: dict[int, float] = {}

    def draw(self, rng: random.Random) -> int:
        """A port that is free: the generator's next one, unless that was drawn a short while ago."""
        now = self._clock()
        while now - self._drawn.get(port := rng.choice(PORTS), -HELD_S) < HELD_S:
            continue
        self._drawn[port] = now
        return port


def draw(parameters: Mapping[str, Parameter], seed: str, ports: Ports | None = None) -> Params:
    """Random values for `parameters`; the same seed gives the same values, each parameter independent of the others.

    But a port that `ports` has given a short while ago, also to another parameter, is another one.
    """
    ports = ports or Ports()
    return Params({name: _value(kind, random.Random(f"{seed} {name}"), ports) for name, kind in parameters.items()})


def _value(parameter: Parameter, rng: random.Random, ports: Ports) -> Value:
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
            return ports.draw(rng)
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
