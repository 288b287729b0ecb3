"""Grants: the few capabilities that a program of a user without any may be given, by the names of capabilities(7).

Who is given one does not belong here.
"""

from __future__ import annotations

from refusal import USAGE, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

CAPABILITIES = {"net_bind_service": 10, "net_raw": 13}


def read(names: list[str]) -> frozenset[int]:
    """The numbers of the capabilities in a request's list.

    Raises:
        Refusal: A name that is none of them.
    """
    for name in names:
        if name not in CAPABILITIES:
            raise Refusal(USAGE, f"there is no grant `{name}`; there are {', '.join(CAPABILITIES)}")
    return frozenset(CAPABILITIES[name] for name in names)


def mask(capabilities: Iterable[int]) -> int:
    """The set as capset(2) takes it."""
    return sum(1 << capability for capability in capabilities)
