"""Requests and answers over one agent's stream: framing, numbers, deadlines, turns.

Knows no operation by name and no fact: `client` does. What is said of a stream that broke is in `endings`.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from orchestrator.agent import endings
from orchestrator.agent.framing import TOKEN_BYTES, Decoder, Frame, FramingError, encode
from orchestrator.display import printable
from orchestrator.engine.base import ExecStream
from orchestrator.errors import AgentGone, AgentProtocol, AgentRefused, EngineError, EngineTimeout

GRACE_S = 5.0
"""How much longer than its deadline we wait for an answer.

The agent itself says when a deadline has passed. It looks at /proc once more for that, which takes it a second and more
where others keep all processors busy."""


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
        self._understood = Understood(self)

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
                raise endings.gone_before(self.place, self._end) from self._end
            number = next(self._numbers)
            request = encode(self._token, {"id": number, "op": op, **fields}, payload)
            try:
                deadline = time.monotonic() + timeout_s + GRACE_S
                self._send(request, deadline)
                frame = self._next_frame(deadline)
                if frame.header.get("id") != number:
                    why = f"an answer to request {frame.header.get('id')!r} came instead of {number}"
                    raise endings.not_its_language(self.place, why)
            except EngineTimeout as error:
                late = endings.late(self.place, op, timeout_s + GRACE_S)
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

    def understood(self) -> Understood:
        """Around reading an answer: one that lacks a field, or holds something else in it, ends the stream.

        Raises:
            AgentProtocol: The answer made no sense.
        """
        return self._understood

    def give_up(self, why: str) -> AgentProtocol:
        """End the stream, on which what is not the agent's language came; the error to raise."""
        ended = endings.not_its_language(self.place, why)
        self._finish(ended)
        return ended

    def _send(self, request: bytes, deadline: float) -> None:
        try:
            self._stream.write(request, deadline - time.monotonic())
        except EngineTimeout:
            raise
        except EngineError as error:
            endings.hear_out(self._stream)
            raise endings.gone(self.place, self._stream) from error

    def _next_frame(self, deadline: float) -> Frame:
        while not self._arrived:
            try:
                chunk = self._stream.read(max(deadline - time.monotonic(), 0.0))
            except EngineTimeout:
                raise
            except EngineError as error:
                raise endings.gone(self.place, self._stream) from error
            if not chunk:
                raise endings.gone(self.place, self._stream)
            self._decode(chunk)
        return self._arrived.popleft()

    def _decode(self, chunk: bytes) -> None:
        try:
            self._arrived.extend(self._decoder.feed(chunk))
        except FramingError as error:
            why = f"{error}; it came with {printable(chunk, 120)!r}"
            raise endings.not_its_language(self.place, why) from error

    def _opened(self, op: str, frame: Frame) -> Reply:
        """The reply in a frame, or the refusal."""
        fields = frame.header.get("ok")
        if isinstance(fields, dict):
            return Reply(fields, frame.payload)
        error = frame.header.get("error")
        if not isinstance(error, dict) or "kind" not in error:
            raise self.give_up(f"neither an answer nor a refusal of `{op}`")
        what = f"the agent in {self.place} refused `{op}`: {printable(str(error.get('what')))}"
        raise AgentRefused(what, kind=str(error["kind"]), answer=error)

    def _finish(self, error: BaseException) -> None:
        self._end = error
        self._stream.close()


class Understood:
    """What `Channel.understood` gives: a generator in its place would cost as much as reading the answer."""

    __slots__ = ("_channel",)

    def __init__(self, channel: Channel) -> None:
        """End this channel when an answer made no sense."""
        self._channel = channel

    def __enter__(self) -> None:
        """Nothing yet."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make what reading raised an AgentProtocol."""
        if isinstance(error, KeyError | TypeError | ValueError | AttributeError):
            why = f"an answer that makes no sense ({type(error).__name__}: {printable(str(error))})"
            raise self._channel.give_up(why) from error
