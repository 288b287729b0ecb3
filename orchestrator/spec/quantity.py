"""Sizes and durations as authors write them: a number and its unit, never a bare number. Counts, which have no unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from orchestrator.spec.refusal import Refused, shown
from orchestrator.spec.suggest import closest

SIZE_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}
DURATION_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0}
# What Docker, sleep(1) and habit write for our units.
_OTHER_SIZES = {"b": "B", "k": "KiB", "kb": "kB", "m": "MiB", "mb": "MB", "g": "GiB", "gb": "GB"}
_OTHER_DURATIONS = {"m": "min", "sec": "s", "second": "s", "seconds": "s", "minute": "min", "minutes": "min"}
SIZE_PATTERN = r"^\d+(\.\d+)? ?(B|KiB|MiB|GiB|kB|MB|GB)$"
DURATION_PATTERN = r"^\d+(\.\d+)? ?(ms|s|min)$"
_QUANTITY = re.compile(r"([0-9]{1,16}(?:\.[0-9]{1,9})?) ?([A-Za-z]*)")


def size_bytes(text: object) -> int:
    """The bytes in a size such as `16MiB`.

    Raises:
        Refused: It is not a number with a unit of size, or not a whole number of bytes from 1 B to 1 PiB.
    """
    size = _quantity(text, SIZE_UNITS, "size", "16MiB")
    if not 1 <= size <= 2**50 or size != int(size):
        raise Refused(f"{shown(text)} is not a whole number of bytes", "write a size from 1B to 1PiB, such as 16MiB")
    return int(size)


def duration_s(text: object) -> float:
    """The seconds in a duration such as `500ms`.

    Raises:
        Refused: It is not a number with a unit of time, or not from 1 ms to 60 min.
    """
    duration = _quantity(text, DURATION_UNITS, "duration", "500ms")
    if not 0.001 <= duration <= 3600:
        raise Refused(f"{shown(text)} is out of range", "write a duration from 1ms to 60min")
    return duration


def size_text(size: int) -> str:
    """A size as an author would write it: the largest unit that makes it a whole number."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % SIZE_UNITS[unit] == 0:
            return f"{size // SIZE_UNITS[unit]}{unit}"
    return f"{size}B"


def duration_text(duration: float) -> str:
    """A duration in seconds as an author would write it."""
    return f"{duration:g}s" if duration >= 1 else f"{duration * 1000:g}ms"


def _quantity(text: object, units: Mapping[str, float], what: str, example: str) -> float:
    write = f"write a number and its unit, such as {example}"
    if text is None:
        raise Refused(f"the {what} is missing", write)
    match = _QUANTITY.fullmatch(str(text))
    if match is None or isinstance(text, bool):
        raise Refused(f"{shown(text)} is no {what}", write)
    number, unit = match[1], match[2]
    if not unit:
        raise Refused(f"{shown(text)} has no unit", f"write it like {example} (units: {', '.join(units)})")
    if unit not in units:
        raise Refused(f"{shown(text)} has no unit of {what} that is known here", _unit_fix(number, unit, units))
    return float(number) * units[unit]


def _unit_fix(number: str, unit: str, units: Mapping[str, float]) -> str:
    others = _OTHER_SIZES if "B" in units else _OTHER_DURATIONS
    meant = others.get(unit.lower()) or closest(unit, units)
    return f"did you mean {number}{meant}?" if meant else f"its units are {', '.join(units)}"


Size = Annotated[
    int, BeforeValidator(size_bytes), WithJsonSchema({"type": "string", "pattern": SIZE_PATTERN, "examples": ["16MiB"]})
]
Duration = Annotated[
    float,
    BeforeValidator(duration_s),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["500ms"]}),
]
Count = Annotated[int, Field(strict=True)]
"""A whole number: `true`, `"5"` and `5.0` are none."""
