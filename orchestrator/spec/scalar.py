"""What an unquoted scalar of YAML means, and the ones that don't mean what they look like.

PyYAML reads YAML 1.1, most editors 1.2: a scalar passes when both agree and an author would expect it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

Plain = None | bool | int | float | str


@dataclass(frozen=True, slots=True)
class Trap:
    """A scalar that is better not written like this."""

    what: str
    """What YAML makes of it: `the octal number 8 to YAML`."""
    instead: str = ""
    """What to write if that was meant; empty when nobody means it."""


_LONGEST = 18
"""Digits of a number; more is somebody's mistake, and fits no 64-bit integer."""
_WORDS: dict[str, Plain] = {"": None, "~": None}
for _lower, _meaning in (("null", None), ("true", True), ("false", False)):
    _WORDS |= dict.fromkeys((_lower, _lower.capitalize(), _lower.upper()), _meaning)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FRACTION = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+")


def read_plain(text: str) -> Plain | Trap:
    """The value of an unquoted scalar, or why it is not taken."""
    if text in _WORDS:
        return _WORDS[text]
    for pattern, read in ((_INTEGER, int), (_HEXADECIMAL, _hexadecimal), (_FRACTION, float)):
        if pattern.fullmatch(text):
            return (
                read(text)
                if len(text) <= _LONGEST
                else Trap(f"a number of {len(text)} characters, which is too long", "a shorter one")
            )
    return _trap(text) or text


def _hexadecimal(text: str) -> int:
    return int(text, 16)


def _trap(text: str) -> Trap | None:
    for pattern, explain in _TRAPS:
        if pattern.fullmatch(text):
            return explain(text) if len(text) <= 2 * _LONGEST else Trap("no text to YAML, but a number or a date")
    return None


def _word(text: str) -> Trap:
    meaning = "true" if text.lower() in ("yes", "on") else "false"
    return Trap(f"{meaning} to YAML", meaning)


def _octal(text: str) -> Trap:
    value = int(text.replace("_", ""), 8)
    return Trap(f"the octal number {value} to YAML", str(value))


def _based(text: str) -> Trap:
    sign, digits = text[:1].strip("0123456789"), text.lstrip("+-").replace("_", "")
    value = int(digits, 0) if digits[2:] else 0
    return Trap(f"the number {sign}{value} to YAML", f"{sign}{value}")


def _underscored(text: str) -> Trap:
    number = text.replace("_", "")
    return Trap(f"the number {number} to YAML", number)


def _sexagesimal(text: str) -> Trap:
    value = 0.0
    for digits in text.replace("_", "").lstrip("+-").split(":"):
        value = value * 60 + float(digits)
    shown = f"{'-' if text.startswith('-') else ''}{value:.15g}"
    return Trap(f"the number {shown} to YAML, in base 60", shown)


def _date(text: str) -> Trap:
    return Trap("a date to YAML")


def _disputed(text: str) -> Trap:
    number = text.lstrip("+-")
    based = number[:2].lower() == "0o"
    value = str(int(number[2:], 8)) if based else f"{float(number):.15g}"
    shown = f"{'-' if text.startswith('-') else ''}{value}"
    plain = based or "e" not in shown
    return Trap("a number to some YAML readers and text to others", shown if plain and shown[-1].isdigit() else "")


def _not_finite(text: str) -> Trap:
    return Trap("`not a number` to YAML" if "nan" in text.lower() else "infinity to YAML")


def _sign(text: str) -> Trap:
    return Trap("a sign of its own to YAML")


_EXPLAINED: tuple[tuple[str, Callable[[str], Trap]], ...] = (
    (r"(?i:yes|no|on|off)", _word),
    (r"[-+]?0[0-7_]+", _octal),
    (r"[-+]?0(?:b[01_]+|x[0-9a-fA-F_]+)", _based),
    (r"[-+]?(?:0o[0-7]+|0[0-9]+)", _disputed),
    (r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", _disputed),
    (r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?", _underscored),
    (r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", _sexagesimal),
    (r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:.*)?", _date),
    (r"[-+]?\.(?i:inf|nan)", _not_finite),
    (r"=|<<", _sign),
)
_TRAPS = tuple((re.compile(pattern), explain) for pattern, explain in _EXPLAINED)
