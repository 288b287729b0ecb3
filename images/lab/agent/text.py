"""Text that names things of the system: paths, arguments and names are bytes to the kernel and text in JSON.

UTF-8 both ways; a byte that is not is a lone surrogate in the text and the same byte again on the way back.
"""

from __future__ import annotations


def as_text(data: bytes) -> str:
    """The text of the kernel's bytes."""
    return data.decode("utf-8", "surrogateescape")


def as_bytes(text: str) -> bytes:
    """The kernel's bytes of a text.

    Raises:
        ValueError: It holds a NUL, which ends a string for the kernel, or a surrogate that stands for no byte.
    """
    if "\0" in text:
        raise ValueError("a text with a NUL in it")
    return text.encode("utf-8", "surrogateescape")
