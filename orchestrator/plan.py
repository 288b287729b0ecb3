"""A plan: operations that each are one engine call, with a cause in words and what they wait for.

Pure data. `reconcile` makes plans, `executor` carries them out, `str(plan)` is what `ipclab plan` prints.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from orchestrator.world import ImageSpec, Spec


class Verb(StrEnum):
    """What an operation does to its target; each is one call of the engine."""

    BUILD_IMAGE = "build image"
    CREATE_NETWORK = "create network"
    CREATE_VOLUME = "create volume"
    CREATE_SANDBOX = "create sandbox"
    ATTACH_NETWORK = "attach network"
    START_SANDBOX = "start sandbox"
    CREATE_CONTAINER = "create container"
    START_CONTAINER = "start container"
    REMOVE_CONTAINER = "remove container"
    REMOVE_SANDBOX = "remove sandbox"
    REMOVE_NETWORK = "remove network"
    REMOVE_VOLUME = "remove volume"


def key_of(verb: Verb, target: str, detail: str = "") -> str:
    """What identifies an operation in its plan, and how others say that they wait for it."""
    return f"{verb} {target} {detail}" if detail else f"{verb} {target}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One engine call. `after` holds the keys of the operations that must have ended first."""

    verb: Verb
    target: str
    """The engine's name of the object."""
    cause: str
    after: frozenset[str] = frozenset()
    spec: Spec | ImageSpec | None = None
    """What to create; None when the name alone says it all."""
    detail: str = ""
    """The network's name, for `attach network`."""

    @property
    def key(self) -> str:
        """What identifies it in its plan."""
        return key_of(self.verb, self.target, self.detail)

    def __str__(self) -> str:
        """`create container ipclab.lab-11.main.alpha.left: absent`."""
        return f"{self.key}: {self.cause}"


@dataclass(frozen=True, slots=True)
class Plan:
    """Operations in an order in which they could be carried out one by one."""

    operations: tuple[Operation, ...] = ()

    def __str__(self) -> str:
        """One operation a line; `nothing to do` when there are none."""
        return "\n".join(str(operation) for operation in self.operations) or "nothing to do"

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.operations)

    @staticmethod
    def of(operations: Iterable[Operation]) -> Plan:
        """A plan, dependencies on operations that are not in it dropped.

        Raises:
            ValueError: An operation waits for one that comes later: the order would not work one by one.
        """
        listed = tuple(operations)
        keys = [operation.key for operation in listed]
        if len(set(keys)) != len(keys):
            raise ValueError("an operation is in the plan twice")
        place = {key: number for number, key in enumerate(keys)}
        kept = []
        for number, operation in enumerate(listed):
            after = frozenset(key for key in operation.after if key in place)
            if any(place[key] >= number for key in after):
                raise ValueError(f"{operation.key} waits for a later operation")
            kept.append(replace(operation, after=after))
        return Plan(tuple(kept))
