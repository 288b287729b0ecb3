"""Plain data grown from a YAML parser's events, with the place of every key and value; refuses what YAML can do beyond.

Iterative, so that no nesting exhausts a stack. What is refused leaves a problem, and the rest grows on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from orchestrator.display import printable
from orchestrator.spec.scalar import Plain, Trap, read_plain
from orchestrator.spec.text import Flaw, invisible

MAX_DEPTH = 20
"""Levels of nesting; a definition needs six."""

DataPath = tuple[str | int, ...]
Data = Any
"""Plain scalars, lists of `Data`, and dicts from text to `Data`."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column, both from 1."""

    line: int
    column: int


@dataclass(slots=True)
class _Branch:
    """A mapping or list that is still open."""

    items: dict[str, Data] | list[Data]
    path: DataPath | None
    """None below something that was refused: it still grows, but nobody will see it."""
    key: str | None = None
    """The key whose value comes next; None when that key was refused."""
    awaits_value: bool = False
    is_key: bool = False

    @property
    def awaits_key(self) -> bool:
        return isinstance(self.items, dict) and not self.awaits_value

    @property
    def next_path(self) -> DataPath | None:
        last = len(self.items) if isinstance(self.items, list) else self.key
        return None if self.path is None or last is None else (*self.path, last)

    def add(self, value: Data) -> None:
        if isinstance(self.items, list):
            self.items.append(value)
        elif self.key is not None:
            self.items[self.key] = value
        self.awaits_value = False


class Tree:
    """Data that grows event by event."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.data: Data = None
        self.keys: dict[DataPath, Place] = {}
        self.values: dict[DataPath, Place] = {}
        self.flaws: list[Flaw] = []
        self.empty = True
        self.stopped = False
        """Whether what follows is not worth reading."""
        self._open: list[_Branch] = []

    def take(self, event: Event) -> None:
        """Grow by one event."""
        if isinstance(event, NodeEvent):
            self._node(event)
        elif isinstance(event, CollectionEndEvent):
            self._end()
        elif isinstance(event, DocumentStartEvent):
            self._document(event)

    def _document(self, event: Event) -> None:
        if not self.empty:
            self._flaw(event, "a second YAML document begins here", "keep one definition in a file")
            self.stopped = True

    def _node(self, event: NodeEvent) -> None:
        self.empty = False
        self._decorations(event)
        if isinstance(event, CollectionStartEvent):
            self._begin(event)
        elif self._open and self._open[-1].awaits_key:
            self._key(event)
        else:
            self._mark(event)
            self._add(self._leaf(event))

    def _decorations(self, event: NodeEvent) -> None:
        if event.anchor is not None and not isinstance(event, AliasEvent):
            what = f"anchors (&{_short(event.anchor)}) are not taken here"
            self._flaw(event, what, "write each value where it belongs")
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._flaw(event, f"tags ({_short_tag(tag)}) are not taken here", "remove it; quotes make text of anything")

    def _begin(self, event: CollectionStartEvent) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._flaw(event, f"this is nested more than {MAX_DEPTH} levels deep", "a definition needs six")
            self.stopped = True
            return
        is_key = bool(self._open) and self._open[-1].awaits_key
        if is_key:
            self._flaw(event, "a key must be text, not a list or a mapping", "write `key: value`")
        self._mark(event)
        path = None if is_key else self._open[-1].next_path if self._open else ()
        self._open.append(_Branch({} if isinstance(event, MappingStartEvent) else [], path, is_key=is_key))

    def _end(self) -> None:
        branch = self._open.pop()
        if branch.is_key:
            self._open[-1].key, self._open[-1].awaits_value = None, True
        else:
            self._add(branch.items)

    def _add(self, value: Data) -> None:
        if self._open:
            self._open[-1].add(value)
        else:
            self.data = value

    def _mark(self, event: Event) -> None:
        path = self._open[-1].next_path if self._open else ()
        if path is not None and not (self._open and self._open[-1].awaits_key):
            self.values[path] = _place(event)

    def _key(self, event: NodeEvent) -> None:
        branch = self._open[-1]
        key = self._key_text(event)
        if key is not None and key in branch.items:
            self._duplicate(branch, key, event)
            key = None
        branch.key, branch.awaits_value = key, True
        if branch.next_path is not None:
            self.keys[branch.next_path] = _place(event)

    def _key_text(self, event: NodeEvent) -> str | None:
        if not isinstance(event, ScalarEvent):
            self._leaf(event)
            return None
        if event.implicit[0] and event.value == "<<":
            self._flaw(event, "merge keys (<<) are not taken here", "write the keys out")
            return None
        before = len(self.flaws)
        key = self._scalar(event)
        if not isinstance(key, str):
            self._flaw(event, f"the key {_shown(event.value)} is no text to YAML", f'quote it: "{_short(event.value)}"')
        return key if len(self.flaws) == before and isinstance(key, str) else None

    def _duplicate(self, branch: _Branch, key: str, event: NodeEvent) -> None:
        first = self.keys.get((*branch.path, key)) if branch.path is not None else None
        where = f" on line {first.line}" if first else ""
        self._flaw(event, f"the key `{_short(key)}` is there already{where}", "remove one of the two")

    def _leaf(self, event: NodeEvent) -> Plain:
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        self._flaw(event, f"aliases (*{_short(str(event.anchor))}) are not taken here", "write the value out")
        return None

    def _scalar(self, event: ScalarEvent) -> Plain:
        """A scalar's value; its text when it is a trap, so that what depends on it can still be judged."""
        hidden = invisible(event.value)
        if hidden is not None:
            self._flaw(event, f"the text holds the character {hidden}, which can't be seen", "remove its escape")
        if not event.implicit[0]:
            return str(event.value)
        value = read_plain(event.value)
        if not isinstance(value, Trap):
            return value
        is_value = not (self._open and self._open[-1].awaits_key)
        write = f"write {value.instead}, or quote" if value.instead and is_value else "quote"
        self._flaw(event, f"{_shown(event.value)} is {value.what}", f'{write} it: "{_short(event.value)}"')
        return str(event.value)

    def _flaw(self, event: Event, what: str, fix: str) -> None:
        place = _place(event)
        self.flaws.append(Flaw(place.line, place.column, what, fix))


def _place(event: Event) -> Place:
    assert event.start_mark is not None, "parsers mark every event"
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _shown(text: str) -> str:
    return f"`{_short(text)}`" if text else "(nothing)"


def _short(text: str) -> str:
    return printable(text, limit=40)


def _short_tag(tag: str) -> str:
    return _short(tag.replace("tag:yaml.org,2002:", "!!"))
