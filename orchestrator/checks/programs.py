"""An exercise's programs as a test author uses them: start, run, talk to, wait for."""

from __future__ import annotations

import signal as signals
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, Protocol

from orchestrator.agent.client import Agent
from orchestrator.agent.command import PIPE, Command, Pipe
from orchestrator.agent.facts import Process as ProcessFact
from orchestrator.agent.match import AtLeast
from orchestrator.agent.notyet import NotYet
from orchestrator.agent.process import Output, Process, To
from orchestrator.checks.asleep import PATIENCE_S, see_asleep
from orchestrator.checks.context import CheckContext
from orchestrator.checks.ended import Ended
from orchestrator.checks.modules import Processes
from orchestrator.checks.outcome import TimedOut, Unexpected
from orchestrator.checks.parameters import Value, fill
from orchestrator.display import printable
from orchestrator.session import User
from orchestrator.spec.exercise import Program as ProgramModel

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/tmp"}
PERTURB, DEATHS = "IPCLAB_PERTURB", "IPCLAB_DEATHS"
"""The variables that images/lab/perturb.c reads."""
OUTPUT_CAP_BYTES = 256 << 10
OUTPUT_KILL_BYTES = 16 << 20
END_S = 5.0
"""To hear of the end of a program that has ended."""


class Installer(Protocol):
    """What a program is made from: knows whose it is, and puts it where it is run."""

    @property
    def user(self) -> User:
        """Who runs it."""

    def install(self, program: str, place: str) -> str:
        """The program's path in the container `place`."""


@dataclass(frozen=True, slots=True)
class Program:
    """A built program and the place where it runs."""

    name: str
    model: ProgramModel
    place: str
    build: Installer
    context: CheckContext
    whose: str = ""
    """`reference` for a reference peer; empty for the student's own."""
    perturbed: bool = False
    """Whether it is built to give the processor away at random before it touches shared memory."""
    deaths: tuple[int, ...] = ()
    """Before which access to shared memory it, and each of its children, dies."""

    def at(self, place: str) -> Program:
        """The same program in another container, `HOST/CONTAINER`."""
        return replace(self, place=place)

    def without_grants(self) -> Program:
        """The same program without the capabilities that its exercise grants it."""
        return replace(self, model=self.model.model_copy(update={"grants": ()}))

    def dying(self, *accesses: int) -> Program:
        """A perturbed program whose processes are killed right before an access to shared memory, instead of perturbed.

        The first number is for itself, the second one for the first child that it forks, and so on: which access of
        that process it is, from 1. 0 lets it live, and so does no number.
        """
        return replace(self, deaths=accesses)

    def start(
        self,
        *,
        until: bytes | None = None,
        stdin: bytes | Pipe | None = None,
        timeout_s: float | None = None,
        args: Sequence[str] | None = None,
        env: Mapping[str, str] | None = None,
        limits: Mapping[str, int] | None = None,
        cpus: Sequence[int] = (),
        **overrides: Value,
    ) -> Running:
        """Start it in the background. It is killed, with all that it forked, after `timeout_s` or with the check.

        `overrides` replace parameters in its declared arguments; `args` replaces these altogether. With `stdin=PIPE`
        its standard input stays open for `Running.write`; else it reads `stdin`, then end of file. `cpus` are the
        processors that it may run on. With `until` it has printed that when this returns.

        Raises:
            TimedOut: It did not print `until`.
        """
        filled = tuple(args) if args is not None else fill(self.model.args, self.context.values(overrides))
        allowed_s = (timeout_s or self.model.timeout) * self.context.session.scale
        command = Command(
            argv=(self.build.install(self.name, self.place), *filled),
            env={**ENVIRONMENT, **self._perturbation(), **(env or {})},
            cwd="/tmp",
            uid=self.build.user.uid,
            gid=self.build.user.gid,
            stdin=stdin,
            limits=limits or {},
            grants=self.model.grants,
            cpus=tuple(cpus),
            # The check waits `allowed_s`; the kernel object stays a little longer so that a time-out can be explained.
            deadline_s=max(60.0, 2 * allowed_s),
            output_cap=OUTPUT_CAP_BYTES,
            output_kill=OUTPUT_KILL_BYTES,
            name=self.name,
        )
        process = self.context.agent(self.place).spawn(command)
        shown = " ".join(printable(argument, limit=60) or "''" for argument in filled)
        self.context.say(f"started {self.title} {shown} in {self.place} (pid {process.pid})")
        self.context.started(self.place, process.pid, self.title)
        running = Running(self, process, allowed_s)
        self.context.running.append(running)
        if until is not None:
            running.expect(until)
        return running

    def _perturbation(self) -> Mapping[str, str]:
        if not self.perturbed:
            return {}
        if self.deaths:
            first = ", ".join(map(str, self.deaths[:3]))
            self.context.say(f"its processes die before their accesses {first}, ... to shared memory")
            return {DEATHS: ",".join(map(str, self.deaths))}
        seed = self.context.perturbation()
        self.context.say(f"its schedule is perturbed, with seed {seed}")
        return {PERTURB: str(seed)}

    def run(
        self,
        *,
        stdin: bytes | None = None,
        timeout_s: float | None = None,
        args: Sequence[str] | None = None,
        env: Mapping[str, str] | None = None,
        limits: Mapping[str, int] | None = None,
        cpus: Sequence[int] = (),
        **overrides: Value,
    ) -> Ended:
        """Start it and wait for its end.

        Raises:
            TimedOut: It did not end within `timeout_s` (the exercise's `timeout` unless given).
        """
        options = {"stdin": stdin, "timeout_s": timeout_s, "args": args, "env": env, "limits": limits, "cpus": cpus}
        return self.start(**options, **overrides).wait()  # type: ignore[arg-type]  # each is what it is above

    @property
    def title(self) -> str:
        """Its name in sentences."""
        return f"{self.whose} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class Running:
    """A program that was started."""

    program: Program
    remote: Process
    allowed_s: float

    @property
    def pid(self) -> int:
        """Its process id, in the PID namespace of its host."""
        return self.remote.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        return self.remote.running()

    @property
    def process(self) -> ProcessFact:
        """What the kernel says of it now.

        Raises:
            AssertionError: It has ended.
        """
        facts = self._agent.facts(ProcessFact, pid=self.pid)
        assert facts, f"{self.program.title} has ended"
        return facts[0]

    def leave_alone(self, for_s: float) -> Ended:
        """Its result when it was killed after it had been left alone for so long.

        Raises:
            Unexpected: It ended by itself before.
        """
        ended = self.wait(for_s, allow_timeout=True)
        if not ended.timed_out:
            raise Unexpected(f"{self.program.title} to wait as long as nobody comes", ended.told())
        return ended

    def sleeps(self, for_s: float = 0.3) -> None:
        """See that it and all that it started sleep for so long, while nothing comes; it runs on.

        Raises:
            Unexpected: It computed, or woke up to look again, or has ended.
        """
        look = partial(self._agent.facts, ProcessFact, proc=self.remote.number)
        see_asleep(look, for_s, PATIENCE_S * self.program.context.session.scale)

    def wait(self, timeout_s: float | None = None, *, allow_timeout: bool = False) -> Ended:
        """Its result when it has ended.

        Raises:
            TimedOut: It still runs after `timeout_s`; with `allow_timeout` its killed result says `timed_out` instead.
        """
        # Who allows a time-out wants to look for just so long; who does not is patient with a slow machine.
        patience_s = timeout_s if timeout_s and allow_timeout else self._patience_s(timeout_s)
        try:
            result = self.remote.wait(patience_s)
        except NotYet:
            if not allow_timeout:
                raise self._timed_out("its end", patience_s) from None
            self.remote.kill()
            result = replace(self.remote.wait(5.0), timed_out=True)
        context = self.program.context
        if self in context.running:
            context.running.remove(self)
        ended = Ended.of(result)
        context.say(f"{self.program.title}: {ended.told()}")
        return ended

    def end(self) -> str:
        """How it ended, in words: it must have."""
        return f"{self.program.title}: {Ended.of(self.remote.wait(END_S)).told()}"

    def output(self) -> Output:
        """What it has printed so far."""
        return self.remote.output()

    def expect(
        self, text: bytes, timeout_s: float | None = None, *, stream: Literal["stdout", "stderr"] = "stdout"
    ) -> None:
        """Return as soon as its standard output, or its standard error, contains `text`.

        Raises:
            TimedOut: It did not print it in time, or ended without it.
        """
        shown = printable(text, limit=60)
        name = {"stdout": "standard output", "stderr": "standard error"}[stream]
        self._until(lambda: text in getattr(self.output(), stream), f"{shown!r} on its {name}", timeout_s)

    def wait_blocked(self, syscall: str, timeout_s: float | None = None, **where: object) -> ProcessFact:
        """The process as soon as it sleeps in `syscall`; `where` compares more, such as `path="/ipc/x"`.

        Raises:
            TimedOut: It does not get there in time.
        """
        match = {"pid": self.pid, "state": "S", "syscall__name": syscall}
        match |= {f"syscall__{name}": value for name, value in where.items()}
        patience_s = self._patience_s(timeout_s)
        try:
            return self._agent.wait(ProcessFact, patience_s, count=AtLeast(1), **match)[0]
        except NotYet:
            about = ", ".join(f"{name} {value}" for name, value in where.items())
            raise self._timed_out(f"it to wait in {syscall}() {about}".rstrip(), patience_s) from None

    def signal(self, number: signals.Signals | int, to: To = "process") -> None:
        """Send a signal to the process itself, to its group, or to all that descends from it.

        They have stopped when this returns, or ended, if SIGSTOP or SIGKILL was sent.

        Raises:
            TimedOut: One has not, in time.
        """
        context = self.program.context
        context.say(f"sent {signals.Signals(number).name} to {self.program.title}")
        self.remote.signal(number, to)
        aim = {"process": {"pid": self.pid}, "group": {"pgid": self.pid}, "all": {"proc": self.remote.number}}[to]
        Processes(lambda: self._agent, context.surroundings, **aim).wait_for_signal(number)

    def kill(self) -> None:
        """SIGKILL to it and to everything that it forked."""
        self.program.context.say(f"killed {self.program.title}")
        self.remote.kill()

    def write(self, data: bytes) -> None:
        """Write to its standard input, which must have been started with `stdin=PIPE`."""
        self.remote.write(data)

    def ask(self, question: bytes, until: bytes = b"\n", timeout_s: float | None = None) -> bytes:
        """What it prints when it has been written `question`, up to and with `until`.

        Raises:
            TimedOut: It did not print it in time, or ended without it.
        """
        before = len(self.output().stdout)
        self.write(question)
        shown = printable(until, limit=60)
        self._until(lambda: until in self.output().stdout[before:], f"an answer that ends with {shown!r}", timeout_s)
        answer, end, _ = self.output().stdout[before:].partition(until)
        return answer + end

    def close_stdin(self) -> None:
        """Its standard input is at its end after this."""
        self.remote.close_stdin()

    @property
    def _agent(self) -> Agent:
        return self.program.context.agent(self.program.place)

    def _patience_s(self, timeout_s: float | None) -> float:
        return timeout_s * self.program.context.session.scale if timeout_s else self.allowed_s

    def _until(self, holds: Callable[[], bool], awaited: str, timeout_s: float | None) -> None:
        patience_s = self._patience_s(timeout_s)
        deadline = time.monotonic() + patience_s
        pause_s = 0.001
        while not holds():
            if time.monotonic() > deadline or not (self.alive or holds()):
                raise self._timed_out(awaited, patience_s)
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.02)

    def _timed_out(self, awaited: str, patience_s: float) -> TimedOut:
        if self.alive:
            printed = printable(self.output().stdout, limit=200)
            observed = f"it still runs after {patience_s:.3g} s, having printed '{printed}'"
        else:
            observed = Ended.of(self.remote.wait(END_S)).told()
        return TimedOut(f"{self.program.title}: {awaited}", observed, self.program.context.diagnosis())


__all__ = ["PIPE", "Program", "Running"]
