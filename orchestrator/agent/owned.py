"""Facts about what belongs to somebody: objects and files, which have a mode, a user and a group.

Processes and sockets do not belong here: they have no mode.
"""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.agent.fact import Fact, Owner, in_octal


@dataclass(frozen=True, slots=True)
class Owned(Fact):
    """Something with a mode, a user and a group. All are told alike: title, contents, mode, users."""

    mode: int
    uid: int
    gid: int

    @property
    def owner(self) -> Owner:
        """User and group that it belongs to now (IPC_SET and chown(2) can change them)."""
        return (self.uid, self.gid)

    @property
    def title(self) -> str:
        """What it is called, safe to print."""
        raise NotImplementedError

    @property
    def contents(self) -> str:
        """What is in it; empty where that is not told."""
        return ""

    @property
    def users(self) -> tuple[str, ...]:
        """Who uses it, and what else there is to say."""
        return ()

    def describe(self) -> str:
        """Title, contents, mode and users."""
        return ", ".join(part for part in (self.title, self.contents, in_octal(self.mode), *self.users) if part)
