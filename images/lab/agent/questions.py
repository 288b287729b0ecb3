"""Questions: the operations that ask for facts, at once or when something has become true.

What a fact is made of does not belong here.
"""

from __future__ import annotations

import time

import kinds
from match import Match
from refusal import TIMEOUT, Refusal
from scan import Scan
from snapshot import Snapshot, send_fitting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from kind import Fact, Kind
    from loop import Loop
    from request import Request
    from scan import Vantage
    from snapshot import Lists

FIRST_PAUSE_S = 0.0002
LONGEST_PAUSE_S = 0.005


class Questions:
    """Answers `facts`, `wait` and `snapshot`."""

    def __init__(self, loop: Loop, vantage: Vantage) -> None:
        """Look from a vantage; wait with the loop."""
        self._loop = loop
        self._vantage = vantage

    def operations(self) -> dict[str, Callable[[Request], None]]:
        """The operations by name."""
        return {"facts": self._facts, "wait": self._wait, "snapshot": self._snapshot}

    def _facts(self, request: Request) -> None:
        """What there is of one kind, now."""
        scan = Scan(self._vantage)
        kind = kinds.named(request.text("kind"))
        _answer(request, kind.facts(scan, Match(request.mapping("match"))), scan.truncated)

    def _snapshot(self, request: Request) -> None:
        """What there is of several kinds."""
        names = request.words("kinds") if request.header.get("kinds") is not None else kinds.IN_SNAPSHOT
        snapshot = Snapshot(self._vantage, names)

        def send(lists: Lists, cut: set[str]) -> None:
            truncated = sorted(cut.union(snapshot.truncated))
            request.answer({"facts": lists, "truncated": truncated, "unavailable": snapshot.unavailable})

        send_fitting(snapshot.facts, send)

    def _wait(self, request: Request) -> None:
        """What there is of one kind, once it is enough."""
        Wait(self._loop, self._vantage, request).poll()


class Wait:
    """A condition on how many facts of a kind match, looked at again and again."""

    def __init__(self, loop: Loop, vantage: Vantage, request: Request) -> None:
        """Read the condition. Raises Refusal when it is none."""
        self._loop = loop
        self._vantage = vantage
        self._request = request
        self._kind: Kind = kinds.named(request.text("kind"))
        self._match = Match(request.mapping("match"))
        self._least, self._most = _count(request)
        self._end = time.monotonic() + request.seconds("timeout_s")
        self._pause_s = FIRST_PAUSE_S

    def poll(self) -> None:
        """Look once; answer when it is true or too late, else look again after a pause."""
        scan = Scan(self._vantage)
        facts = self._kind.facts(scan, self._match)
        left_s = self._end - time.monotonic()
        if len(facts) >= self._least and (self._most is None or len(facts) <= self._most):
            _answer(self._request, facts, scan.truncated)
        elif left_s <= 0:
            self._give_up(facts)
        else:
            self._loop.after(min(self._pause_s, left_s), lambda: self._request.attempt(self.poll))
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def _give_up(self, facts: list[Fact]) -> None:
        """Say what matched in the end, and how things stand."""
        snapshot = Snapshot(self._vantage, kinds.IN_SNAPSHOT)
        what = f"{len(facts)} facts of kind `{self._kind.name}` matched when the time was up"

        def send(lists: Lists, cut: set[str]) -> None:
            rest = {name: found for name, found in lists.items() if name != ""}
            self._request.refuse(Refusal(TIMEOUT, what, facts=lists[""], snapshot=rest, truncated=sorted(cut)))

        send_fitting({"": facts, **snapshot.facts}, send)


def _answer(request: Request, facts: list[Fact], truncated: bool) -> None:
    """Answer with facts of one kind."""

    def send(lists: Lists, cut: set[str]) -> None:
        request.answer({"facts": lists[""], "truncated": bool(cut) or truncated})

    send_fitting({"": facts}, send)


def _count(request: Request) -> tuple[int, int | None]:
    """The least and the most facts that are enough; at least one unless the request says otherwise."""
    count = request.mapping("count") or {"min": 1}
    least, most = count.get("min", 0), count.get("max")
    right = all(isinstance(bound, int) and not isinstance(bound, bool) for bound in (least, most or 0))
    if not right or count.keys() - {"min", "max"}:
        raise request.wrong("count", "an object with whole numbers `min` and `max`")
    return least, most
