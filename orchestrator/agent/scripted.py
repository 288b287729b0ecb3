"""An agent made of a function, in this process: for unit tests of whatever speaks to one.

    stream = ScriptedStream(answers(facts={"facts": [...], "truncated": False}))
    agent = Agent.over(stream)

It can also do what real streams do wrong: arrive in odd pieces, end in the middle, carry rubbish, say nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeAlias

from orchestrator.agent.framing import VERSION, Decoder, encode
from orchestrator.errors import EngineError, EngineTimeout

Answer: TypeAlias = tuple[dict[str, Any], bytes]
"""The header of an answer without its id, and its payload."""
Script: TypeAlias = Callable[[Mapping[str, Any], bytes], Answer | None]
"""What to answer to a request's header and payload; None says nothing, for ever."""

NAMESPACES = {
    name: number for number, name in enumerate(("ipc", "net", "pid", "mnt", "uts", "user", "cgroup"), 4026531839)
}
GREETING: dict[str, Any] = {
    "version": VERSION,
    "pid": 7,
    "uid": 0,
    "kernel": "6.1.0",
    "machine": "x86_64",
    "python": "3.11.2",
    "ns": NAMESPACES,
    "init": {"argv": ["/usr/lib/ipclab/pause", "sandbox", "alpha"], "ns": NAMESPACES},
}


def answers(**by_op: dict[str, Any] | Answer) -> Script:
    """A script of fixed answers: the object under `ok` for each operation; `hello` is answered anyway."""

    def script(header: Mapping[str, Any], payload: bytes) -> Answer | None:
        found = by_op.get(header["op"], GREETING if header["op"] == "hello" else {})
        return found if isinstance(found, tuple) else ({"ok": found}, b"")

    return script


def refusal(kind: str, what: str, **more: Any) -> Answer:
    """The answer that refuses."""
    return {"error": {"kind": kind, "what": what, **more}}, b""


class ScriptedStream:
    """An `ExecStream` whose other end follows a script. Time does not pass in it: what has not come is late at once."""

    def __init__(
        self,
        script: Script,
        *,
        pieces: Iterable[int] = (),
        ends_after: int | None = None,
        spoil: Callable[[bytes], bytes] = bytes,
        stderr: bytes = b"",
        exit_code: int | None = None,
    ) -> None:
        """Arrive in `pieces` bytes at a time (again and again), end after some bytes, and be changed by `spoil`."""
        self._script = script
        self._pieces = itertools.cycle(list(pieces) or [1 << 20])
        self._left = ends_after
        self._spoil = spoil
        self._stderr = stderr
        self._exit_code = exit_code
        self._decoder = Decoder()
        self._coming = bytearray()
        self.closed = False
        self.requests: list[dict[str, Any]] = []
        """The headers of all requests so far."""

    def fileno(self) -> int:
        """There is none."""
        raise EngineError("a scripted stream has no descriptor")

    def read(self, timeout_s: float | None) -> bytes:
        """The next piece, or the end, or at once that nothing came in time."""
        if self.closed or self._left == 0:
            return b""
        if not self._coming:
            raise EngineTimeout(f"nothing within {timeout_s} s")
        size = next(self._pieces)
        if self._left is not None:
            size = min(size, self._left)
            self._left -= min(size, len(self._coming))
        piece = bytes(self._coming[:size])
        del self._coming[:size]
        return piece

    def write(self, data: bytes, timeout_s: float | None = None) -> None:
        """Take a request, and make its answer come."""
        if self.closed or self._left == 0:
            raise EngineError("the stream is closed")
        for frame in self._decoder.feed(data):
            self.requests.append(frame.header)
            answer = self._script(frame.header, frame.payload)
            if answer is not None:
                header, payload = answer
                self._coming += self._spoil(encode(frame.token, {"id": frame.header["id"], **header}, payload))

    def end_input(self) -> None:
        """End it: an agent whose input ends goes."""
        self.close()

    def stderr_tail(self) -> bytes:
        """What it was made with."""
        return self._stderr

    def resize(self, rows: int, columns: int) -> None:
        """There is no terminal."""

    def exit_code(self) -> int | None:
        """What it was made with."""
        return self._exit_code

    def close(self) -> None:
        """End it."""
        self.closed = True

    def __enter__(self) -> Self:
        """The stream itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.close()
