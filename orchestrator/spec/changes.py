"""Changes of a text: how a known-wrong solution is told as what it replaces in the reference.

White space at the beginning and end of a line does not count, so that a change can be indented as YAML wants it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from orchestrator.display import printable
from orchestrator.spec.refusal import Refused

_BREAK = r"[ \t]*\n[ \t]*"


class Replacement(Protocol):
    """A passage and what stands in its place."""

    @property
    def replace(self) -> str:
        """The passage, which is there exactly once."""

    @property
    def by(self) -> str:
        """What stands there instead."""


def changed(text: str, replacements: Iterable[Replacement]) -> str:
    """`text` with each replacement made, in order, on what the one before left.

    Raises:
        Refused: A passage is not there, or more than once.
    """
    for one in replacements:
        found = list(_pattern(one.replace).finditer(text))
        if len(found) != 1:
            raise Refused(*_miscounted(one.replace, len(found)))
        start, end = found[0].span()
        text = text[:start] + one.by.strip() + text[end:]
    return text


def _pattern(passage: str) -> re.Pattern[str]:
    return re.compile(_BREAK.join(re.escape(line.strip()) for line in passage.strip().splitlines()))


def _miscounted(passage: str, times: int) -> tuple[str, str]:
    shown = printable(passage.strip(), limit=60)
    if times == 0:
        return f"`{shown}` is not in the reference", "copy the passage from solution/"
    return f"`{shown}` is {times} times in the reference", "name more of what is around it"
