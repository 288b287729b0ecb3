"""Requests and answers over one agent's stream: framing, deadlines, and what a broken stream means.

Knows no operation by name and no fact; `client` does.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from orchestrator.agent.framing import TOKEN_BYTES, Decoder, Frame, FramingError, encode
from orchestrator.agent.result import signal_name
from orchestrator.display import printable
from orchestrator.engine.base import ExecStream
from orchestrator.errors import (
    AgentError,
    AgentGone,
    AgentProtocol,
    AgentRefused,
    AgentTimeout,
    EngineError,
    EngineTimeout,
)

GRACE_S = 1.0
"""How much longer than its deadline we wait for an answer: the agent itself says when a deadline has passed."""
LAST_WORDS_S = 0.5
"""How long we read on, for standard error, after a write has failed."""
RESTART = "Run `ipclab up`: it starts again what does not run."


@dataclass(frozen=True, slots=True)
class Reply:
    """What the agent answered: the object under `ok`, and the bytes that came with it."""

    fields: dict[str, Any]
    payload: bytes


class Channel:
    """One stream to one agent. Calls from several threads take turns; a call's time runs from its turn on.

    The first failure, also an interrupt in the middle of a call, closes the stream for good: half a frame may be lost
    then, and nothing that came later could be trusted. The agent sees end of file, kills what it started, and ends.
    """

    def __init__(self, stream: ExecStream, place: str) -> None:
        """Speak over `stream`; `place` names the container in errors."""
        self.place = place
        self._stream = stream
        self._token = secrets.token_bytes(TOKEN_BYTES)
        self._decoder = Decoder(self._token)
        self._arrived: deque[Frame] = deque()
        self._numbers = itertools.count(1)
        self._turn = threading.Lock()
        self._end: BaseException | None = None

    @property
    def broken(self) -> bool:
        """Whether every call from now on raises AgentGone."""
        return self._end is not None

    def ask(self, op: str, fields: Mapping[str, object], payload: bytes, timeout_s: float) -> Reply:
        """The answer to one request, at most `GRACE_S` after `timeout_s`.

        Raises:
            AgentRefused: The agent could not do it.
            AgentTimeout: No answer came in time.
            AgentGone: The stream ended, now or earlier.
            AgentProtocol: What came is not an answer to this.
            ValueError: The request does not fit a frame: 16 MiB of payload are the most. Nothing was sent.
        """
        with self._turn:
            if self._end is not None:
                raise self._gone_before() from self._end
            number = next(self._numbers)
            request = encode(self._token, {"id": number, "op": op, **fields}, payload)
            try:
                deadline = time.monotonic() + timeout_s + GRACE_S
                self._send(request, deadline)
                frame = self._next_frame(deadline)
                if frame.header.get("id") != number:
                    raise self._protocol(f"an answer to request {frame.header.get('id')!r} came instead of {number}")
            except EngineTimeout as error:
                late = self._late(op, timeout_s)
                self._finish(late)
                raise late from error
            except BaseException as error:
                self._finish(error)
                raise
        return self._opened(op, frame)

    def close(self) -> None:
        """End the stream; the agent kills what it started and ends. Closing twice does no harm."""
        if self._end is None:
            self._end = AgentGone(f"the agent in {self.place} was let go")
        self._stream.close()

    @contextmanager
    def understood(self) -> Iterator[None]:
        """Around reading an answer: one that lacks a field, or holds something else in it, ends the stream.

        Raises:
            AgentProtocol: The answer made no sense.
        """
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            ended = self._protocol(f"an answer that makes no sense ({type(error).__name__}: {printable(str(error))})")
            self._finish(ended)
            raise ended from error

    def _send(self, request: bytes, deadline: float) -> None:
        try:
            self._stream.write(request, deadline - time.monotonic())
        except EngineTimeout:
            raise
        except EngineError as error:
            self._read_to_end()
            raise self._gone() from error

    def _next_frame(self, deadline: float) -> Frame:
        while not self._arrived:
            try:
                chunk = self._stream.read(max(deadline - time.monotonic(), 0.0))
            except EngineTimeout:
                raise
            except EngineError as error:
                raise self._gone() from error
            if not chunk:
                raise self._gone()
            self._decode(chunk)
        return self._arrived.popleft()

    def _decode(self, chunk: bytes) -> None:
        try:
            self._arrived.extend(self._decoder.feed(chunk))
        except FramingError as error:
            raise self._protocol(f"{error}; it came with {printable(chunk, 120)!r}") from error

    def _opened(self, op: str, frame: Frame) -> Reply:
        """The reply in a frame, or the refusal."""
        fields = frame.header.get("ok")
        if isinstance(fields, dict):
            return Reply(fields, frame.payload)
        error = frame.header.get("error")
        if not isinstance(error, dict) or "kind" not in error:
            ended = self._protocol(f"neither an answer nor a refusal of `{op}`")
            self._finish(ended)
            raise ended
        what = f"the agent in {self.place} refused `{op}`: {printable(str(error.get('what')))}"
        raise AgentRefused(what, kind=str(error["kind"]), answer=error)

    def _finish(self, error: BaseException) -> None:
        self._end = error
        self._stream.close()

    def _read_to_end(self) -> None:
        """Let what the agent said on standard error before it ended arrive."""
        deadline = time.monotonic() + LAST_WORDS_S
        while (left := deadline - time.monotonic()) > 0:
            try:
                if not self._stream.read(left):
                    return
            except EngineError:
                return

    def _gone(self) -> AgentGone:
        """The stream has ended: how, and the agent's last words."""
        words = self._stream.stderr_tail().strip()
        said = f"; it said last: {printable(words[-400:], 600)}" if words else ""
        return AgentGone(f"the agent in {self.place} is gone, {self._how_it_ended()}{said}", fix=RESTART)

    def _how_it_ended(self) -> str:
        try:
            code = self._stream.exit_code()
        except EngineError:  # the engine or the container went away with it: there is no code to tell
            code = None
        if code is None:
            return "its stream ended"
        return f"ended by {signal_name(code - 128)}" if code > 128 else f"exit {code}"

    def _gone_before(self) -> AgentGone:
        first = self._end
        cause = first.what if isinstance(first, AgentError) else f"it was interrupted ({type(first).__name__})"
        return AgentGone(f"the agent in {self.place} can't be asked any more: {cause}", fix=RESTART)

    def _late(self, op: str, timeout_s: float) -> AgentTimeout:
        waited = f"{timeout_s + GRACE_S:.1f} s"
        return AgentTimeout(f"the agent in {self.place} did not answer `{op}` within {waited}", fix=RESTART)

    def _protocol(self, why: str) -> AgentProtocol:
        return AgentProtocol(f"what came from the agent in {self.place} is not its language: {why}", fix=RESTART)
