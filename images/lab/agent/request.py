"""Requests: one thing that the client asks for, its fields with their types checked, and the way to answer it.

What the operations do with the fields does not belong here.
"""

from __future__ import annotations

from refusal import USAGE, Refusal, of_bug, of_kernel
from text import as_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Send = Callable[[dict[str, Any], bytes], None]

BIGGEST = 2**63 - 1
LONGEST_S = 1e9
_NEEDED: Any = object()


class Request:
    """A request. Each accessor gives one field, or refuses the request when the field is not what it must be."""

    __slots__ = ("_send", "header", "payload")

    def __init__(self, header: dict[str, Any], payload: bytes, send: Send) -> None:
        """Hold the request; `send` takes the header and payload of its answer."""
        self.header = header
        self.payload = payload
        self._send = send

    @property
    def op(self) -> str:
        """The name of the operation."""
        return self.text("op")

    def answer(self, fields: dict[str, Any] | None = None, payload: bytes = b"") -> None:
        """Answer with `ok`. Raises HeaderTooLong when the fields do not fit a frame; then nothing was sent."""
        self._send({"id": self._id, "ok": fields or {}}, payload)

    def refuse(self, refusal: Refusal) -> None:
        """Answer with `error`."""
        self._send({"id": self._id, "error": refusal.fields()}, b"")

    def attempt(self, work: Callable[[], None]) -> None:
        """Do something for this request; whatever goes wrong is its answer."""
        try:
            work()
        except Refusal as refusal:
            self.refuse(refusal)
        except OSError as error:
            self.refuse(of_kernel(error))
        except Exception as error:  # noqa: BLE001  one request's bug must not end all that others wait for
            self.refuse(of_bug(error))

    @property
    def _id(self) -> int | None:
        """The number that its answer carries; None when it has none."""
        number = self.header.get("id")
        return number if isinstance(number, int) else None

    def wrong(self, field: str, needed: str) -> Refusal:
        """The refusal of a request whose `field` is not the `needed`."""
        return Refusal(USAGE, f"`{field}` of `{self.header.get('op')}` must be {needed}")

    def text(self, field: str, default: str = _NEEDED) -> str:
        """A text."""
        value = self.header.get(field, default)
        if not isinstance(value, str):
            raise self.wrong(field, "a text")
        return value

    def raw(self, field: str, default: str = _NEEDED) -> bytes:
        """A text that the kernel takes, as its bytes."""
        return self._raw(field, self.text(field, default))

    def integer(self, field: str, default: int = _NEEDED, *, low: int = 0, high: int = BIGGEST) -> int:
        """A whole number from `low` to `high`."""
        value = self.header.get(field, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.wrong(field, f"a whole number from {low} to {high}")
        return value

    def optional_integer(self, field: str) -> int | None:
        """A whole number, or None when the field is null or not there."""
        return None if self.header.get(field) is None else self.integer(field)

    def seconds(self, field: str) -> float:
        """A length of time."""
        value = self.header.get(field)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LONGEST_S:
            raise self.wrong(field, f"seconds, from 0 to {LONGEST_S:.0f}")
        return float(value)

    def optional_seconds(self, field: str) -> float | None:
        """A length of time, or None when the field is null or not there."""
        return None if self.header.get(field) is None else self.seconds(field)

    def flag(self, field: str) -> bool:
        """True or false; false when it is not there."""
        value = self.header.get(field, False)
        if not isinstance(value, bool):
            raise self.wrong(field, "true or false")
        return value

    def mapping(self, field: str) -> dict[str, Any]:
        """An object; empty when it is not there."""
        value = self.header.get(field, {})
        if not isinstance(value, dict):
            raise self.wrong(field, "an object")
        return value

    def words(self, field: str) -> list[str]:
        """A list of texts."""
        value = self.header.get(field)
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise self.wrong(field, "a list of texts")
        return value

    def optional_words(self, field: str) -> list[str]:
        """A list of texts; empty when it is not there."""
        return self.words(field) if field in self.header else []

    def numbers(self, field: str, high: int) -> list[int]:
        """A list of whole numbers from 0 to `high`; empty when it is not there."""
        values = self.header.get(field, [])
        if not isinstance(values, list) or not all(type(one) is int and 0 <= one <= high for one in values):
            raise self.wrong(field, f"a list of whole numbers from 0 to {high}")
        return values

    def each(self, field: str, one: str) -> list[Request]:
        """The same request for each value of a list, with the value as its field `one`."""
        values = self.header.get(field)
        if not isinstance(values, list):
            raise self.wrong(field, "a list")
        return [Request({**self.header, one: value}, b"", self._send) for value in values]

    def arguments(self, field: str) -> list[bytes]:
        """A list of texts that the kernel takes, at least one, as their bytes."""
        words = self.words(field)
        if not words:
            raise self.wrong(field, "a list of at least one text")
        return [self._raw(field, word) for word in words]

    def environment(self, field: str) -> dict[bytes, bytes]:
        """Names and values that execve(2) takes."""
        given = self.mapping(field)
        for name, value in given.items():
            if not name or "=" in name or not isinstance(value, str):
                raise self.wrong(field, "an object of names without `=` and their texts")
        return {self._raw(field, name): self._raw(field, value) for name, value in given.items()}

    def _raw(self, field: str, text: str) -> bytes:
        """The kernel's bytes of a text."""
        try:
            return as_bytes(text)
        except ValueError as error:
            raise self.wrong(field, f"text for the kernel ({error})") from error
