"""What all kinds of facts have in common: made from the agent's fields, told in words, compared, removed.

The kinds are in `sysv`, `posix`, `files`, `sockets` and `processes`; `facts` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeAlias, TypedDict

Identity: TypeAlias = tuple[Hashable, ...]
Owner: TypeAlias = tuple[int, int]
Converters: TypeAlias = Mapping[str, Callable[[Any], Any]]


class Removal(TypedDict):
    """What the agent must know to remove an object as its owner would."""

    kind: str
    identity: str | int
    """An id, a name or a path."""
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the kernel says about one object, as seen in one container at one moment."""

    kind: ClassVar[str]
    """The agent's word for this kind."""
    converters: ClassVar[Converters] = {}
    """How to make a field's value of what the agent sends, where that is not the value itself."""

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The fact in one JSON object of the agent's; fields that this class does not know are ignored.

        Raises:
            TypeError: A field is missing, or is not what it should be.
            ValueError: The same.
        """
        # __match_args__ is the tuple of a dataclass's fields in order, ready made: this runs for every fact.
        names: tuple[str, ...] = cls.__match_args__
        values = {name: fields[name] for name in names if name in fields}
        for name, convert in cls.converters.items():
            if name in values:
                values[name] = convert(values[name])
        return cls(**values)

    def describe(self) -> str:
        """One line in words, without times, safe to print."""
        raise NotImplementedError

    @property
    def identity(self) -> Identity:
        """What makes two facts, seen at different moments, the same object."""
        raise NotImplementedError

    @property
    def owner(self) -> Owner | None:
        """User and group id that it belongs to; None when it belongs to processes only."""
        return None

    @property
    def handle(self) -> str | int | None:
        """What the agent removes it by: an id, a name or a path; None when it can't be removed by itself."""
        return None

    def removal(self) -> Removal | None:
        """What `Agent.remove` needs to make it go away; None when it can't be removed by itself."""
        if self.handle is None or self.owner is None:
            return None
        uid, gid = self.owner
        return {"kind": self.kind, "identity": self.handle, "uid": uid, "gid": gid}


def in_octal(mode: int) -> str:
    """Permission bits as `chmod` writes them: `mode 0660`."""
    return f"mode {mode & 0o7777:04o}"


def counted(number: int, noun: str) -> str:
    """`1 byte`, `27 bytes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def pids(who: tuple[int, ...]) -> str:
    """`nobody`, `pid 7`, `pids 7, 8`."""
    if not who:
        return "nobody"
    return f"pid {who[0]}" if len(who) == 1 else "pids " + ", ".join(map(str, who))
