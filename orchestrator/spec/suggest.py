"""Did you mean: the known name that a mistyped one is closest to."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

# Comparing costs microseconds for each pair; a mangled file can hold thousands of names.
_COMPARED = 200
_LONGEST = 64
_LISTED = 12


def closest(word: str, known: Iterable[str]) -> str | None:
    """The name of `known` that looks most like `word`; None when none is near."""
    from difflib import get_close_matches  # imported here: only a mistake needs it

    folded = {_folded(name): name for name in islice(known, _COMPARED)}
    near = get_close_matches(_folded(word), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def did_you_mean(word: str, known: Iterable[str], *, none: str = "") -> str:
    """What to do about an unknown `word`: the closest name, else all of them, else the sentence `none`."""
    names = list(dict.fromkeys(known))
    near = closest(word, names)
    if near is not None:
        return f"did you mean `{near}`?"
    if not names:
        return none
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"choose from {', '.join(names[:_LISTED])}{more}"


def _folded(word: str) -> str:
    return word[:_LONGEST].casefold().replace("_", "-")
