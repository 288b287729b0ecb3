"""Peers that nobody compiles: Python files beside an exercise's checks, and programs of the image.

A reference peer keeps to the contract; a scripted one plays the other end as no good program would: it sends a message
in pieces, never reads, or goes away. Both belong to the checks, not to the submission, and run as the user `peer`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.session import PEER, Session, User


@dataclass(frozen=True, slots=True)
class Installed:
    """A program of the image: it is where it is."""

    user: User = PEER

    def install(self, program: str, place: str) -> str:
        """Its name, which the agent looks for in the usual folders."""
        return program


@dataclass(frozen=True, slots=True)
class Script:
    """An executable text file, put where it is run like a built program."""

    session: Session
    file: Path
    user: User = PEER

    def install(self, program: str, place: str) -> str:
        """The script's path in the container `place`. Nobody but its user can read or run it there."""
        path = f"/build/{self.user.name}/{self.file.parent.name}/{program}"
        self.session.agent(place).put(
            path, self.file.read_bytes(), mode=0o500, uid=self.user.uid, gid=self.user.gid, parents=True
        )
        return path
