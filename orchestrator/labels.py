"""The names and labels of what we create: how we find it again, and how we know that it is ours.

Nothing else composes a name. A name's parts hold no dots, so joining them with dots can't make two things collide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

PREFIX = "ipclab"
LAB = "ipclab.lab"
INSTANCE = "ipclab.instance"
HOST = "ipclab.host"
CONTAINER = "ipclab.container"
NETWORK = "ipclab.network"
ROLE = "ipclab.role"
DEFINITION = "ipclab.definition"
SANDBOX = "ipclab.sandbox"
SLOT = "ipclab.slot"
NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
DEFAULT_INSTANCE = "main"


@dataclass(frozen=True, slots=True, order=True)
class InstanceName:
    """One lab brought up once: several instances of a lab live side by side without meeting."""

    lab: str
    instance: str = DEFAULT_INSTANCE

    def __str__(self) -> str:
        """`lab-11`, or `lab-11/NAME` when it is not the default instance."""
        return self.lab if self.instance == DEFAULT_INSTANCE else f"{self.lab}/{self.instance}"

    @property
    def option(self) -> str:
        """What to add to a command line to name it: nothing for the default instance, else ` --instance NAME`."""
        return "" if self.instance == DEFAULT_INSTANCE else f" --instance {self.instance}"

    def named(self, *parts: str) -> str:
        """The engine's name for an object of this instance: `ipclab.lab-11.main.alpha.left`."""
        return ".".join((PREFIX, self.lab, self.instance, *parts))

    def labels(self, role: str, **more: str) -> dict[str, str]:
        """Labels that mark an object as ours: lab, instance, role and `more` (keys without the prefix)."""
        own = {LAB: self.lab, INSTANCE: self.instance, ROLE: role}
        return own | {f"{PREFIX}.{key}": value for key, value in more.items()}


def is_ours(labels: Mapping[str, str]) -> bool:
    """Whether an object carries the labels that we give to everything we create."""
    return LAB in labels and INSTANCE in labels and ROLE in labels


def instance_of(labels: Mapping[str, str]) -> InstanceName:
    """The instance that an object of ours belongs to."""
    return InstanceName(labels[LAB], labels[INSTANCE])
