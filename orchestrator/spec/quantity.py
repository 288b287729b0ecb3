"""Sizes and durations as authors write them: a number and its unit, never a bare number."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

SIZE_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}
DURATION_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]+)")


def _quantity(text: object, units: dict[str, int] | dict[str, float], example: str) -> float:
    match = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[2] not in units:
        raise ValueError(f"{text!r} has no unit; write it like {example} ({', '.join(units)})")
    return float(match[1]) * units[match[2]]


def size_bytes(text: object) -> int:
    """The bytes in a size such as `16MiB`.

    Raises:
        ValueError: It is not a number with a unit of size, or not a whole number of bytes above zero.
    """
    size = _quantity(text, SIZE_UNITS, "16MiB")
    if size < 1 or size != int(size) or size > 2**50:
        raise ValueError(f"{text!r} is not a whole number of bytes between 1 B and 1 PiB")
    return int(size)


def duration_s(text: object) -> float:
    """The seconds in a duration such as `500ms`.

    Raises:
        ValueError: It is not a number with a unit of time, or not above zero and at most an hour.
    """
    duration = _quantity(text, DURATION_UNITS, "500ms")
    if not 0 < duration <= 3600:
        raise ValueError(f"{text!r} is not between 1 ms and 60 min")
    return duration


Size = Annotated[
    int,
    BeforeValidator(size_bytes),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)? ?(B|KiB|MiB|GiB|kB|MB|GB)$", "examples": ["16MiB"]}),
]
Duration = Annotated[
    float,
    BeforeValidator(duration_s),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)? ?(ms|s|min)$", "examples": ["500ms"]}),
]
