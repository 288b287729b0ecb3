"""Templates in a program's arguments: `{parameter}`, `{host.ipv4}`, `{host.ipv6}`; doubled braces stand for one."""

from __future__ import annotations

import re

from orchestrator.spec.refusal import Refused

FAMILIES = ("ipv4", "ipv6")
_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def references(template: str) -> tuple[str, ...]:
    """The names between braces, in order.

    Raises:
        Refused: A brace is alone.
    """
    names = []
    for piece in _PIECE.finditer(template):
        if piece[0] in ("{", "}"):
            raise Refused(f"a `{piece[0]}` is alone in this template", f"write {piece[0] * 2} for a brace itself")
        if piece[1] is not None:
            names.append(piece[1])
    return tuple(names)
