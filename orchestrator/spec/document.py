"""A YAML file as plain data that knows where everything stands. Never raises for what is in the file.

Stricter than YAML: `text` says which characters, `tree` which constructs, `scalar` which unquoted values are taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from orchestrator.display import printable
from orchestrator.errors import Problem
from orchestrator.spec.syntax import flaw_of
from orchestrator.spec.text import MAX_BYTES, Flaw, decode
from orchestrator.spec.tree import Data, DataPath, Place, Tree

_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
"""libyaml's parser is ten times faster where PyYAML was built with it; marks are the same."""

MAX_SENTENCE = 300


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds, where, and what is wrong with it as YAML."""

    path: str
    data: Data = None
    """None when it could not be read; what could be of it otherwise."""
    keys: Mapping[DataPath, Place] = field(default_factory=dict)
    values: Mapping[DataPath, Place] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def problem(self, path: DataPath, what: str, fix: str = "", *, at_key: bool = False) -> Problem:
        """A problem with the value at `path`, or with its key; placed at the nearest parent that the file has."""
        place = self._place(path, at_key=at_key)
        return Problem(self.path, place.line, place.column, _one_line(what), _one_line(fix))

    def _place(self, path: DataPath, *, at_key: bool) -> Place:
        found = self.keys.get(path) if at_key else None
        while found is None and path not in self.values and path:
            path = path[:-1]
            found = self.keys.get(path)
        return found or self.values.get(path, Place(1, 1))

    def at(self, path: DataPath) -> Data:
        """What stands at `path`; None when nothing does."""
        node = self.data
        for step in path:
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    def keys_at(self, path: DataPath) -> tuple[str, ...]:
        """The keys of the mapping at `path`; none when there is no mapping."""
        node = self.at(path)
        return tuple(node) if isinstance(node, dict) else ()

    def texts_at(self, path: DataPath) -> Iterator[tuple[DataPath, str]]:
        """The texts in the list or mapping at `path`, each with its own path."""
        node = self.at(path)
        pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        return (((*path, step), value) for step, value in pairs if isinstance(value, str))

    def repeats_at(self, path: DataPath) -> Iterator[tuple[DataPath, str]]:
        """The texts in the list at `path` that are there already, once each, where the second one stands."""
        seen: Counter[str] = Counter()
        for place, text in self.texts_at(path):
            seen[text] += 1
            if seen[text] == 2:
                yield place, text


def read(path: Path) -> Document:
    """The document in a file; with a problem when there is no such file or it can't be read."""
    try:
        if not path.is_file():
            # A FIFO would block, a device might never end.
            what = "this is not a plain file" if path.exists() else "there is no such file"
            return _without_data(str(path), (Flaw(1, 1, what, "create it"),))
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        return _without_data(str(path), (Flaw(1, 1, f"the file can't be read: {error}", ""),))
    return parse(str(path), raw)


def parse(path: str, raw: bytes) -> Document:
    """The document in `raw`; `path` is only for its problems."""
    decoded = decode(raw)
    if not isinstance(decoded, str):
        return _without_data(path, decoded)
    tree = Tree()
    try:
        for event in yaml.parse(decoded, Loader=_LOADER):
            tree.take(event)
            if tree.stopped:
                break
    except yaml.YAMLError as error:
        return _without_data(path, (*tree.flaws, flaw_of(error, len(decoded.splitlines()))))
    if not isinstance(tree.data, dict) and not tree.stopped:
        tree.flaws.append(_no_mapping(tree))
    return Document(path, tree.data, tree.keys, tree.values, _problems(path, tree.flaws))


def _no_mapping(tree: Tree) -> Flaw:
    if tree.data is None:
        return Flaw(1, 1, "the file is empty", "write `key: value` lines, beginning with `title:`")
    place = tree.values.get((), Place(1, 1))
    return Flaw(place.line, place.column, "a definition has `key: value` lines, and this is something else", "")


def _one_line(sentence: str) -> str:
    """A sentence that may quote a mangled file at length, fit for a terminal."""
    fit = len(sentence) <= MAX_SENTENCE and sentence.isprintable()
    return sentence if fit else printable(sentence, limit=MAX_SENTENCE)


def _without_data(path: str, flaws: tuple[Flaw, ...]) -> Document:
    return Document(path, problems=_problems(path, flaws))


def _problems(path: str, flaws: list[Flaw] | tuple[Flaw, ...]) -> tuple[Problem, ...]:
    return tuple(Problem(path, flaw.line, flaw.column, flaw.what, flaw.fix) for flaw in flaws)
