"""Snapshots: facts of many kinds out of one scan, and lists of facts cut to what a frame can hold."""

from __future__ import annotations

import kinds
from framing import HeaderTooLong
from match import Match
from refusal import of_kernel
from scan import Scan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from kind import Fact
    from scan import Vantage

    Lists = dict[str, list[Fact]]

EVERYTHING = Match({})


class Snapshot:
    """What there is of some kinds, at one moment."""

    def __init__(self, vantage: Vantage, names: list[str]) -> None:
        """Look. A kind that this kernel can't tell of is listed in `unavailable`, with why."""
        self.facts: Lists = {}
        self.truncated: list[str] = []
        self.unavailable: dict[str, str] = {}
        wanted = [kinds.named(name) for name in names]
        scan = Scan(vantage)
        for kind in wanted:
            scan.truncated = False
            try:
                self.facts[kind.name] = kind.facts(scan, EVERYTHING)
            except OSError as error:
                self.facts[kind.name] = []
                self.unavailable[kind.name] = of_kernel(error).what
            if scan.truncated:
                self.truncated.append(kind.name)


def send_fitting(lists: Lists, send: Callable[[Lists, set[str]], None]) -> None:
    """Send lists of facts, with the names of those that were cut: the longest is halved until they all fit."""
    cut: set[str] = set()
    while True:
        try:
            send(lists, cut)
        except HeaderTooLong:
            longest = max(lists, key=lambda name: len(repr(lists[name])))
            if not lists[longest]:  # it is not the facts that are too long
                raise
            lists = {**lists, longest: lists[longest][: len(lists[longest]) // 2]}
            cut.add(longest)
        else:
            return
