"""What an agent says when it is greeted: who and where it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Hello:
    """What the agent said when it began."""

    version: int
    pid: int
    uid: int
    kernel: str
    machine: str
    python: str
    ns: Mapping[str, int]
    """Its namespaces by the kernel's numbers: ipc, net, pid, mnt, uts, user, cgroup."""
    init_argv: tuple[str, ...]
    """What process 1 was started as: `pause sandbox alpha` when it shares its host's processes."""
    init_ns: Mapping[str, int]

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The greeting in the agent's answer."""
        plain = {name: fields[name] for name in ("version", "pid", "uid", "kernel", "machine", "python", "ns")}
        return cls(**plain, init_argv=tuple(fields["init"]["argv"]), init_ns=fields["init"]["ns"])
