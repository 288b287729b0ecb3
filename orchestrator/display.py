"""Text that a student's program could have chosen, made safe to show on one line of a terminal or a report.

`printable` is the escaping that every medium needs, `inert` what a log on top; HTML and XML are for their renderers.
"""

from __future__ import annotations

import re

DEFAULT_LIMIT = 200
_SHORT = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Printable for Python, and yet showing nothing: a joiner, vowels and fillers without a glyph, the Braille blank."""

_COMMAND = re.compile(r"#(?=#(?:vso|teamcity)?\[)|:(?=:[A-Za-z][\w-]*(?:[^\S\n][^\n]*)?::)")
"""`##[error]`, `##vso[...]`, `##teamcity[...]` anywhere, `::error file=x::text`: a CI system that reads them obeys."""


def printable(text: bytes | str, limit: int = DEFAULT_LIMIT) -> str:
    r"""`text` on one line of at most `limit` characters, everything that could trick a reader written as an escape.

    `\n`, `\r`, `\t` and `\\` as in C; other control characters and bytes that are not UTF-8 as `\xNN`; whatever else
    is invisible or reorders text (bidirectional marks, zero-width and private characters) as `\u{...}`. What is cut off
    shows as `…`. Text in which nothing needs an escape comes back as it is; two different texts never look the same,
    unless both are cut.

    >>> printable(b"a\x1b[31m\xff")
    'a\\x1b[31m\\xff'
    """
    # A character is at most four bytes and shows as at least one character: more than this can't matter.
    if isinstance(text, bytes):
        text = text[: 4 * limit + 4].decode(errors="surrogateescape")
    if len(text) <= limit and text.isascii() and text.isprintable() and "\\" not in text:
        return text
    return _cut([_escaped(character) for character in text[: limit + 1]], limit)


def inert(text: str) -> str:
    r"""`text` in which no CI system finds a command to itself; everything else, line breaks too, stays.

    >>> inert("fd00::3 says ::error::all passed")
    'fd00::3 says \\x3a:error::all passed'
    """
    return _COMMAND.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def _escaped(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable() and not _hides(character):
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how "surrogateescape" carries a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{{{code:x}}}"


def _hides(character: str) -> bool:
    """Whether it changes how its neighbours look, or shows nothing, though Python calls it printable."""
    return character in _INVISIBLE or "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _cut(pieces: list[str], limit: int) -> str:
    """The pieces joined; when that is too long as many whole ones as leave room for `…`."""
    length = sum(map(len, pieces))
    if length <= limit:
        return "".join(pieces)
    while pieces and length >= limit:
        length -= len(pieces.pop())
    return "".join(pieces) + "…"
