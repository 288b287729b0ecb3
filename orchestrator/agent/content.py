"""What a file in a container holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """A file's bytes and who may use it."""

    data: bytes
    size: int
    mode: int
    uid: int
    gid: int
