"""How a program ended, what it printed, and what outlived it."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from orchestrator.agent.processes import Process
from orchestrator.display import printable


@dataclass(frozen=True, slots=True)
class Output:
    """What a program has printed, as far as it was kept: the middle of what is above the cap is lost."""

    stdout: bytes
    stderr: bytes
    stdout_total: int
    """Bytes that it printed; more than `stdout` holds when the cap was passed."""
    stderr_total: int
    ended: bool = True
    """Whether it has ended, so that nothing more will come."""

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any], payload: bytes) -> Self:
        """The output in the agent's answer."""
        split = fields["stdout"]
        stdout, stderr = payload[:split], payload[split : split + fields["stderr"]]
        return cls(stdout, stderr, fields["stdout_total"], fields["stderr_total"], fields.get("ended", True))


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended, and all that it printed."""

    pid: int
    exit: int | None
    """Its exit status; None when a signal ended it."""
    signal: str | None
    """The name of the signal that ended it, such as `SIGPIPE`."""
    signal_number: int | None
    stdout: bytes
    stderr: bytes
    stdout_total: int
    stderr_total: int
    wall_s: float
    user_s: float
    system_s: float
    max_rss_bytes: int = 0
    """The most memory that it had at once; never less than the agent's own, which fork passes on."""
    voluntary_switches: int = 0
    involuntary_switches: int = 0
    timed_out: bool = False
    """It was killed at its deadline."""
    killed_for_output: bool = False
    """It was killed because it printed more than it may."""
    at_kill: tuple[Process, ...] = ()
    """Its processes just before it was killed for either: where they were."""

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any], payload: bytes) -> Self:
        """The result in the agent's answer."""
        output = Output.from_fields(fields, payload)
        number = fields["signal"]
        return cls(
            pid=fields["pid"],
            exit=fields["exit"],
            signal=None if number is None else signal_name(number),
            signal_number=number,
            stdout=output.stdout,
            stderr=output.stderr,
            stdout_total=output.stdout_total,
            stderr_total=output.stderr_total,
            wall_s=fields["wall_s"],
            user_s=fields["user_s"],
            system_s=fields["system_s"],
            max_rss_bytes=fields.get("max_rss_bytes", 0),
            voluntary_switches=fields.get("voluntary_switches", 0),
            involuntary_switches=fields.get("involuntary_switches", 0),
            timed_out=fields.get("timed_out", False),
            killed_for_output=fields.get("output_killed", False),
            at_kill=tuple(map(Process.from_fields, fields.get("at_kill", ()))),
        )

    @property
    def ok(self) -> bool:
        """Whether it ended by itself with exit status 0."""
        return self.exit == 0

    @property
    def cpu_s(self) -> float:
        """Processor time that it used until it ended, in user mode and in the kernel, with all that it started.

        Children that it waited for, orphans, and what was still there. Only a child that ended while its parent ignored
        SIGCHLD is counted by nobody: getrusage(2).
        """
        return self.user_s + self.system_s

    @property
    def output(self) -> Output:
        """What it printed."""
        return Output(self.stdout, self.stderr, self.stdout_total, self.stderr_total)

    def describe(self) -> str:
        """How it ended, in words: `exit 1 after 0.02 s`."""
        after = f"after {self.wall_s:.2f} s"
        if self.timed_out:
            return f"killed {after}, when its time was up"
        if self.killed_for_output:
            return f"killed {after}, when it had printed {self.stdout_total + self.stderr_total} bytes"
        return f"exit {self.exit} {after}" if self.signal is None else f"ended by {self.signal} {after}"

    __str__ = describe


@dataclass(frozen=True, slots=True)
class Survivor:
    """A process that had outlived its program when it was killed."""

    pid: int
    argv: tuple[str, ...]
    state: str

    @classmethod
    def each(cls, listed: Iterable[Mapping[str, Any]]) -> tuple[Self, ...]:
        """The survivors in the agent's list."""
        return tuple(cls(one["pid"], tuple(one["argv"]), one["state"]) for one in listed)

    def describe(self) -> str:
        """``process 12 `server 5678` ``."""
        return f"process {self.pid} `{printable(' '.join(self.argv), 80)}`"


def signal_name(number: int) -> str:
    """`SIGSEGV`, `SIGRTMIN+3`, or `signal 70` for one without a name."""
    if number in [known.value for known in signal.Signals]:
        return signal.Signals(number).name
    if signal.SIGRTMIN < number < signal.SIGRTMAX:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
    return f"signal {number}"
