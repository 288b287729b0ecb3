"""A program that the agent started: its streams while it runs, its result when it has ended.

Starting and killing do not belong here.
"""

from __future__ import annotations

import os
import time

import usage
from capture import Capture
from drain import Drain
from feed import Feed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from loop import Loop, Timer
    from usage import Usage


class Program:
    """One program."""

    def __init__(self, number: int, cap_bytes: int, kill_bytes: int | None) -> None:
        """Number it; keep `cap_bytes` of each output stream. `kill_bytes` of both is more than it may print."""
        self.number = number
        self.pid = 0
        self.stdout = Capture(cap_bytes)
        self.stderr = Capture(cap_bytes)
        self.cap_bytes = cap_bytes
        self.kill_bytes = kill_bytes
        self.feed: Feed | None = None
        self.deadline: Timer | None = None
        self.timed_out = False
        self.output_killed = False
        self.at_kill: list[dict[str, Any]] = []
        self.told = False
        """Whether nobody needs its result any more: `finish` told it, or `kill` was asked for."""
        self._used = usage.NONE
        self._used_at_least = usage.NONE
        self._drains: list[Drain] = []
        self._outcome: dict[str, Any] | None = None
        self._started = time.monotonic()
        self._waiters: list[Callable[[], None]] = []

    def run(
        self, loop: Loop, pid: int, stdin: int | None, outputs: tuple[int, int], on_output: Callable[[], None]
    ) -> None:
        """Own our ends of a started program's pipes; call `on_output` whenever it printed something."""
        self.pid = pid
        self.feed = None if stdin is None else Feed(loop, stdin)
        captures = (self.stdout, self.stderr)
        self._drains = [Drain(loop, fd, capture, on_output) for fd, capture in zip(outputs, captures, strict=True)]

    @property
    def ended(self) -> bool:
        """Whether its first process has ended."""
        return self._outcome is not None

    @property
    def printed_bytes(self) -> int:
        """How much it has printed."""
        return self.stdout.total_bytes + self.stderr.total_bytes

    @property
    def kept_bytes(self) -> int:
        """How much of that is kept."""
        return self.stdout.kept_bytes + self.stderr.kept_bytes

    def when_ended(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call once it has ended, at once if it has; the answer takes that back."""
        if self.ended:
            call()
            return lambda: None
        self._waiters.append(call)
        return lambda: self._waiters.remove(call)

    def charge(self, used: Usage) -> None:
        """Count what processes of it have taken; in vain once it has ended."""
        self._used = usage.total((self._used, used))

    def charge_at_least(self, present: Usage) -> None:
        """Count, too, what all its processes have taken that are there, however they will end.

        One whose parent ignores SIGCHLD is waited for by nobody, and nobody is told afterwards what it took.
        """
        self._used_at_least = usage.highest(self._used_at_least, usage.total((self._used, present)))

    def end(self, status: int, max_rss_bytes: int) -> None:
        """Its first process has ended: take what it printed last, and tell who waits for it."""
        wall_s = time.monotonic() - self._started
        for drain in self._drains:
            drain.take_rest()
        if self.feed is not None:
            self.feed.close()
        if self.deadline is not None:
            self.deadline.cancel()
        self._outcome = {
            "proc": self.number,
            "pid": self.pid,
            "exit": os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
            "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
            "wall_s": wall_s,
            "max_rss_bytes": max_rss_bytes,
            **dict(zip(usage.FIELDS, usage.highest(self._used, self._used_at_least), strict=True)),
        }
        waiters, self._waiters = self._waiters, []
        for call in waiters:
            call()

    def close(self) -> None:
        """Let go of its streams."""
        for drain in self._drains:
            drain.close()

    def output(self) -> tuple[dict[str, Any], bytes]:
        """How much it has printed so far, and what is kept of it."""
        stdout, stderr = self.stdout.kept(), self.stderr.kept()
        lengths = {
            "stdout": len(stdout),
            "stderr": len(stderr),
            "stdout_total": self.stdout.total_bytes,
            "stderr_total": self.stderr.total_bytes,
        }
        return lengths, stdout + stderr

    def result(self) -> tuple[dict[str, Any], bytes]:
        """How it ended, but for `at_kill`, and what it printed."""
        lengths, payload = self.output()
        how = {"timed_out": self.timed_out, "output_killed": self.output_killed}
        return {**(self._outcome or {}), **how, **lengths}, payload
