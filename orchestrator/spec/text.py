"""A definition's bytes as text fit for a parser: UTF-8, of sensible size, without characters that nobody sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

MAX_BYTES = 256 * 1024
"""A lab's definition has a few thousand bytes. The parser takes about a second for a mebibyte of brackets."""
MAX_FLAWS = 20
# Controls, which YAML 1.1 forbids but for NEL (section 5.1), and what breaks lines, turns text round or is nothing to
# the eye: separators, bidirectional embeddings and isolates, the zero-width space, the byte order mark, surrogates.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_INDENTED_WITH_TAB = re.compile(r"^ *\t", re.MULTILINE)
_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a text, and where: lines and columns count from 1."""

    line: int
    column: int
    what: str
    fix: str


def decode(raw: bytes) -> str | tuple[Flaw, ...]:
    """The text; or else everything that is wrong with it."""
    if len(raw) > MAX_BYTES:
        return (Flaw(1, 1, f"the file has more than {MAX_BYTES // 1024} KiB", "write a definition of a sensible size"),)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return (_not_utf8(raw, error.start),)
    flaws = tuple(islice(_flaws(text), MAX_FLAWS))
    return flaws or text


def invisible(text: str) -> str | None:
    """The first character in a value that must not be there (only an escape can have made it), as `U+001B`."""
    found = _FORBIDDEN.search(text)
    return _named(found[0]) if found else None


def _not_utf8(raw: bytes, start: int) -> Flaw:
    line, column = _place(raw[:start].decode("utf-8"), start)
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Flaw(1, 1, "the file is UTF-16, not UTF-8", "save it as UTF-8")
    return Flaw(line, column, f"the byte 0x{raw[start]:02x} is not UTF-8", "save the file as UTF-8")


def _flaws(text: str) -> Iterator[Flaw]:
    if text.startswith("\ufeff"):
        yield Flaw(1, 1, "the file begins with a byte order mark", "save it as UTF-8 without one")
    for found in _FORBIDDEN.finditer(text, 1 if text.startswith("\ufeff") else 0):
        yield Flaw(*_place(text, found.start()), f"the character {_named(found[0])} can't be seen", "remove it")
    for found in _INDENTED_WITH_TAB.finditer(text):
        yield Flaw(*_place(text, found.end() - 1), "this line is indented with a tab", "YAML wants spaces")


def _place(text: str, index: int) -> tuple[int, int]:
    lines = _BREAK.split(text[:index])
    return len(lines), len(lines[-1]) + 1


def _named(character: str) -> str:
    return f"U+{ord(character):04X}"
