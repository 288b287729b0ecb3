"""The errors that an agent's broken stream becomes: what happened, in which container, and what to do next."""

from __future__ import annotations

import time

from orchestrator.agent.result import signal_name
from orchestrator.display import printable
from orchestrator.engine.base import ExecStream
from orchestrator.errors import AgentError, AgentGone, AgentProtocol, AgentTimeout, EngineError

LAST_WORDS_S = 0.5
"""How long we read on, for standard error, after a write has failed."""
LAST_WORDS_BYTES = 400
RESTART = "Run `ipclab up`: it starts again what does not run."


def gone(place: str, stream: ExecStream) -> AgentGone:
    """The stream has ended: how, and the agent's last words."""
    words = stream.stderr_tail().strip()
    said = f"; it said last: {printable(words[-LAST_WORDS_BYTES:], 600)}" if words else ""
    return AgentGone(f"the agent in {place} is gone, {_how(stream)}{said}", fix=RESTART)


def gone_before(place: str, first: BaseException) -> AgentGone:
    """The stream broke earlier, by `first`."""
    cause = first.what if isinstance(first, AgentError) else f"it was interrupted ({type(first).__name__})"
    return AgentGone(f"the agent in {place} can't be asked any more: {cause}", fix=RESTART)


def late(place: str, op: str, waited_s: float) -> AgentTimeout:
    """No answer came in time."""
    return AgentTimeout(f"the agent in {place} did not answer `{op}` within {waited_s:.1f} s", fix=RESTART)


def not_its_language(place: str, why: str) -> AgentProtocol:
    """What came is no answer."""
    return AgentProtocol(f"what came from the agent in {place} is not its language: {why}", fix=RESTART)


def hear_out(stream: ExecStream) -> None:
    """Let what the agent said on standard error before it ended arrive."""
    deadline = time.monotonic() + LAST_WORDS_S
    while (left_s := deadline - time.monotonic()) > 0:
        try:
            if not stream.read(left_s):
                return
        except EngineError:
            return


def _how(stream: ExecStream) -> str:
    try:
        code = stream.exit_code()
    except EngineError:
        # The engine or the container went with it: there is no code to tell.
        code = None
    if code is None:
        return "its stream ended"
    return f"ended by {signal_name(code - 128)}" if code > 128 else f"exit {code}"
