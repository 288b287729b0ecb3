"""The decorator that turns a pytest function into a check with points and a hint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

MARK = "check"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a check is worth, what helps when it fails, and which checks of its file it builds on."""

    points: int = 0
    hint: str = ""
    needs: tuple[str, ...] = ()


def check(points: int, hint: str = "", needs: Sequence[str] = ()) -> pytest.MarkDecorator:
    """Mark a test as a check. Its docstring is the sentence that the student reads.

    `needs` names earlier checks of the same file: when one of them did not pass, this one is blocked.

    >>> @check(points=2, hint="shmat() returns (void *) -1 on failure, not NULL.")
    ... def test_client_prints_the_message(client, params):
    ...     '''The client prints the message that it finds in the segment.'''
    """
    if points < 0 or isinstance(needs, str):
        raise TypeError("points are not negative, and needs is a list of names")
    return pytest.mark.check(terms=Terms(points, hint, tuple(needs)))


def terms_of(item: pytest.Item) -> Terms:
    """The terms of a test; zero points for one that is no check."""
    marker = item.get_closest_marker(MARK)
    terms = marker.kwargs.get("terms") if marker else None
    return terms if isinstance(terms, Terms) else Terms()
