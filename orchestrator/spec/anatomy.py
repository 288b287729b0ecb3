"""What a definition's model looks like from inside: which part of it a path leads to.

pydantic's error locations are paths through the model; these functions turn them into paths through the YAML.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from orchestrator.spec.lab import Part
from orchestrator.spec.tree import DataPath

KEY = "[key]"
"""How pydantic marks that a mapping's key is wrong, not its value."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an error location leads."""

    path: DataPath
    owner: type[Part] | None
    """The part whose key the last step is; None when that is a name or a position."""
    at_key: bool

    @property
    def name(self) -> str:
        """The last step, as a key."""
        return str(self.path[-1]) if self.path else ""

    @property
    def field(self) -> FieldInfo | None:
        """What the model says of the last step."""
        return self.owner.model_fields.get(self.name) if self.owner else None


def spot_of(model: type[Part], location: tuple[int | str, ...]) -> Spot:
    """The path in the YAML that an error location of pydantic's means."""
    path: list[str | int] = []
    here: Any = model
    owner: type[Part] | None = None
    for step in location:
        here = _bare(here)
        if step == KEY:
            return Spot(tuple(path), None, at_key=True)
        if isinstance(here, tuple):
            here = _of_kind(here, step)  # pydantic's step into one of several kinds is none in the YAML
            continue
        path.append(step)
        owner, here = _inside(here, step)
    return Spot(tuple(path), owner, at_key=False)


def kinds_in(model: type[Part], location: tuple[int | str, ...]) -> tuple[str, ...]:
    """The kinds that the union at an error location has."""
    here: Any = model
    for step in location:
        _, here = _inside(_bare(here), step)
    members = _bare(here)
    return tuple(_kind(member) for member in members) if isinstance(members, tuple) else ()


def _bare(annotation: Any) -> Any:
    """An annotation without `Annotated` and `| None`; a tuple of models when it is a union of several kinds."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        members = tuple(member for member in get_args(annotation) if member is not type(None))
        return members if len(members) > 1 else _bare(members[0])
    return annotation


def _inside(here: Any, step: str | int) -> tuple[type[Part] | None, Any]:
    """The part that `step` is a key of, if any, and what is behind it."""
    if isinstance(here, type) and issubclass(here, Part):
        field = here.model_fields.get(str(step))
        return here, field.annotation if field else None
    inner = get_args(here)
    origin = get_origin(here)
    return None, (inner[1] if origin is dict else inner[0]) if origin in (dict, tuple, frozenset) else None


def _of_kind(members: tuple[Any, ...], kind: str | int) -> Any:
    return next((member for member in members if _kind(member) == kind), None)


def _kind(member: Any) -> str:
    field = member.model_fields["kind"]
    return str(get_args(field.annotation)[0]) if get_origin(field.annotation) is Literal else ""
