"""How a value of a definition says that it won't do; `wording` makes a complaint of it, which has a place."""

from __future__ import annotations

from orchestrator.display import printable


class Refused(ValueError):
    """A value is not what its key wants. A `ValueError`, because that is what pydantic collects."""

    def __init__(self, what: str, fix: str = "") -> None:
        """Keep what is wrong and what to write instead, both in the author's words."""
        super().__init__(f"{what}; {fix}" if fix else what)
        self.what = what
        self.fix = fix


def shown(value: object) -> str:
    """A value of the YAML inside a sentence."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"`{printable(value, limit=60)}`" if value else "an empty text"
        case dict():
            return "a mapping"
        case _:
            return "a list"
