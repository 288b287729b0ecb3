"""A program that the agent started: wait for it, write to it, signal it, read what it printed, kill it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from orchestrator.agent.channel import Reply
from orchestrator.agent.command import PIPE, Command, Pipe
from orchestrator.agent.notyet import NotYet
from orchestrator.agent.result import Output, Result, Survivor
from orchestrator.errors import AgentRefused

if TYPE_CHECKING:
    from orchestrator.agent.client import Agent

__all__ = ["PIPE", "Command", "NotYet", "Output", "Pipe", "Process", "Result", "Survivor", "To"]

To: TypeAlias = Literal["process", "group", "all"]
"""Who gets a signal: the program, its process group, or all that descends from it."""
KILL_TIMEOUT_S: Final = 10.0
"""The agent itself gives up after 5 s on what the kernel does not let die."""


class Process:
    """A program that runs, or ran, in a container."""

    def __init__(self, agent: Agent, command: Command, number: int, pid: int) -> None:
        """Made by `Agent.spawn`. `number` is the agent's, `pid` the kernel's in the container's PID namespace."""
        self.agent = agent
        self.command = command
        self.number = number
        self.pid = pid
        self._result: Result | None = None

    def wait(self, timeout_s: float) -> Result:
        """How it ended; waits for that at most `timeout_s`. Asking again gives the same.

        Raises:
            NotYet: It still runs; carries a snapshot of where everything is.
        """
        if self._result is None:
            what = f"{self.command.title} has not ended after {timeout_s:g} s"
            reply = self.agent.in_time("finish", what, {"proc": self.number}, timeout_s=timeout_s)
            return self._keep(reply)
        return self._result

    def output(self) -> Output:
        """What it has printed so far."""
        if self._result is not None:
            return self._result.output
        reply = self.agent.call("output", proc=self.number)
        with self.agent.understood():
            return Output.from_fields(reply.fields, reply.payload)

    def running(self) -> bool:
        """Whether it has not ended."""
        if self._result is None:
            try:
                reply = self.agent.call("finish", proc=self.number, timeout_s=0.0)
            except AgentRefused as error:
                if error.kind != "timeout":
                    raise
                return True
            self._keep(reply)
        return False

    def write(self, data: bytes) -> bool:
        """Put bytes on its standard input, which must be a `PIPE`; False when it has closed that, or ended."""
        reply = self.agent.call("stdin", data, proc=self.number, close=False)
        with self.agent.understood():
            return not reply.fields["broken"]

    def close_stdin(self) -> None:
        """Let it read end of file."""
        self.agent.call("stdin", proc=self.number, close=True)

    def signal(self, number: int, to: To = "process") -> int:
        """How many processes got the signal; 0 when it has ended."""
        reply = self.agent.call("signal", proc=self.number, signal=int(number), to=to)
        with self.agent.understood():
            return int(reply.fields["count"])

    def kill(self) -> tuple[Survivor, ...]:
        """Kill it and everything that it started; gives what had outlived it."""
        reply = self.agent.call("kill", proc=self.number, timeout_s=KILL_TIMEOUT_S)
        with self.agent.understood():
            return Survivor.each(reply.fields["survivors"])

    def _keep(self, reply: Reply) -> Result:
        with self.agent.understood():
            self._result = Result.from_fields(reply.fields, reply.payload)
        return self._result
