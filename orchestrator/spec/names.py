"""The names that definitions may use, as patterns, and each pattern's rule in words. Which exist is for the rules."""

from __future__ import annotations

from keyword import iskeyword
from typing import Annotated, Final

from pydantic import Field

_NAME = "[a-z][a-z0-9]*(-[a-z0-9]+)*"
NAME: Final = f"^{_NAME}$"
IDENTIFIER: Final = r"^[a-z][a-z0-9_]*$"
PLACE: Final = f"^{_NAME}/{_NAME}$"
SOURCE: Final = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.[ch]$"
LIBRARY: Final = r"^[a-z0-9_+-]+$"
PREFIX: Final = r"^/[A-Za-z0-9._/-]*$"
ALPHABET: Final = r"^[ -~]+$"
PASSAGE: Final = r"\S"

RULES: Final = {
    NAME: "a name has lower-case letters, digits and single hyphens, and begins with a letter",
    IDENTIFIER: "a name here has lower-case letters, digits and underscores, and begins with a letter",
    PLACE: "write HOST/CONTAINER, such as alpha/left",
    SOURCE: "a source is a file name that ends in .c or .h, without a folder",
    LIBRARY: "write what follows -l, such as m for -lm",
    PREFIX: "begin it with /, such as /shm- or /ipc/fifo-, and keep to letters, digits and . _ / -",
    ALPHABET: "use printable ASCII characters only",
    PASSAGE: "write the passage of the reference",
}
"""What to do about a text that does not match a pattern."""

Name = Annotated[str, Field(pattern=NAME, max_length=32)]
ProgramName = Annotated[str, Field(pattern=IDENTIFIER, max_length=32)]
ParameterName = Annotated[str, Field(pattern=IDENTIFIER, max_length=32)]
Place = Annotated[str, Field(pattern=PLACE, max_length=65)]
Source = Annotated[str, Field(pattern=SOURCE, max_length=64)]
Library = Annotated[str, Field(pattern=LIBRARY, max_length=32)]

_OURS = (
    "ablated", "bench", "compiles", "exhibit", "lab", "leftovers", "params", "peer", "perturbed", "reference", "tool",
)  # fmt: skip
_PYTEST = ("cache", "capfd", "caplog", "capsys", "host", "monkeypatch", "pytestconfig", "request", "tmp_path")
_FIXTURES = frozenset({*_OURS, *_PYTEST})
"""What a check may ask for by name beside programs and hosts."""


def is_taken(name: str) -> bool:
    """Whether a check could not ask for a host or program of this name: Python, pytest or a fixture of ours has it."""
    return name in _FIXTURES or iskeyword(name)
