"""A kind of fact: its fields, how facts of it are found, and how they are completed.

Some fields cost a look at every process. They come last, for the facts that could still match.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from match import Match
    from scan import Scan

    Fact = dict[str, Any]
    Find = Callable[[Scan, Match], list[Fact]]
    Complete = Callable[[Scan, list[Fact]], None]


def _nothing_more(_scan: Scan, _facts: list[Fact]) -> None:
    """Nothing: `find` gave whole facts."""


class Kind:
    """One kind of fact."""

    __slots__ = ("_complete", "_find", "fields", "name")

    def __init__(self, name: str, fields: str, find: Find, complete: Complete = _nothing_more) -> None:
        """`find` gives facts that lack the fields that `complete` adds; `fields` names all of them."""
        self.name = name
        self.fields = tuple(fields.split())
        self._find = find
        self._complete = complete

    def facts(self, scan: Scan, match: Match) -> list[Fact]:
        """The facts that match.

        Raises:
            Refusal: The match names a field that there is not, or lacks one that there must be.
            OSError: The kernel refuses a look.
        """
        match.check_fields(self.name, self.fields)
        found = [fact for fact in self._find(scan, match) if match.may_accept(fact)]
        if found:
            self._complete(scan, found)
        return [fact for fact in found if match.accepts(fact)]
