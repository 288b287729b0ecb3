"""What testinfra lacks: modules for System V and POSIX objects, FIFOs, pipes, sockets and processes.

Each is a question to the kernel, asked anew at every use: `exists`, `fact`, `facts`, `wait`, `wait_gone`, and every
field of the fact as a property. Processes can also be sent signals. They need an agent and nothing else of this
project.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from signal import SIGKILL, SIGSTOP
from typing import Any, ClassVar, Generic, TypeVar

from orchestrator.agent import facts
from orchestrator.agent.client import Agent
from orchestrator.agent.match import AtLeast, Contains, Count, Exactly, Ge, In, Le
from orchestrator.agent.notyet import NotYet
from orchestrator.checks.outcome import TimedOut
from orchestrator.errors import ObjectMissing

F = TypeVar("F", bound=facts.Fact)
Ask = Callable[[], Agent]
"""Gives the agent of the container that is asked; it may have been restarted since the last time."""
PATIENCE_S = 5.0
STILL_TO_COME: Mapping[int, In] = {SIGSTOP: In("R", "S", "D"), SIGKILL: In("R", "S", "D", "T", "t")}
"""The states in which a process has not stopped yet, or not ended yet, that was sent a signal it can't prevent."""
LOOK_S = 0.5
"""Between two looks whether any program still runs; the agent itself looks at facts far more often."""


def _nothing() -> tuple[str, ...]:
    return ()


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a module knows of the check around it."""

    explain: Callable[[], tuple[str, ...]] = _nothing
    """Says where each program is blocked, one sentence each."""
    scale: float = 1.0
    """How much longer than on an idle machine everything may take."""
    anything_runs: Callable[[], bool] = _always
    """Whether a program may still change something: when none can, waiting is in vain."""


class Module(Generic[F]):
    """Facts of one kind that match. Subclasses say how they are named."""

    fact_type: type[F]
    noun: ClassVar[str]

    def __init__(self, agent: Ask, around: Surroundings, **match: object) -> None:
        """`match` compares fields of the fact: a value, or one of `Ge`, `Le`, `In`, `Contains`."""
        self._agent = agent
        self._around = around
        self._match = match

    @property
    def facts(self) -> tuple[F, ...]:
        """All that match, now."""
        return self._agent().facts(self.fact_type, **self._match)

    @property
    def exists(self) -> bool:
        """Whether there is one now."""
        return bool(self.facts)

    @property
    def fact(self) -> F | None:
        """The one that matches; None if there is none, the first if there are several."""
        found = self.facts
        return found[0] if found else None

    def wait(self, timeout_s: float = PATIENCE_S, **match: object) -> F:
        """The fact as soon as there is one that also has the fields in `match`.

        Raises:
            TimedOut: There is none in time; says what there is instead and where each process is.
        """
        wanted = {**self._match, **match}
        return self._wait(timeout_s, self._named(wanted), AtLeast(1), wanted)[0]

    def wait_gone(self, timeout_s: float = PATIENCE_S) -> None:
        """Return as soon as none matches.

        Raises:
            TimedOut: One is still there.
        """
        self._wait(timeout_s, f"no {self._named(self._match)}", Exactly(0), self._match)

    def _wait(self, timeout_s: float, awaited: str, count: Count, match: Mapping[str, object]) -> tuple[F, ...]:
        """The facts as soon as there are as many as wanted; gives up early when no program runs that could help."""
        began = time.monotonic()
        deadline = began + timeout_s * self._around.scale
        while True:
            left_s = max(deadline - time.monotonic(), 0.0)
            last = left_s <= LOOK_S or not self._around.anything_runs()
            try:
                return self._agent().wait(self.fact_type, min(left_s, LOOK_S), count=count, **match)
            except NotYet:
                if last:
                    waited_s = time.monotonic() - began
                    raise TimedOut(awaited, self._instead(waited_s), self._around.explain()) from None

    def __getattr__(self, name: str) -> Any:
        """A field of the fact.

        Raises:
            AssertionError: There is no such object: what was to be judged is not there.
        """
        if name.startswith("_"):
            raise AttributeError(name)
        fact = self.fact
        if fact is None:
            raise AssertionError(f"there is no {self._named(self._match)}")
        return getattr(fact, name)

    def _named(self, match: dict[str, object]) -> str:
        about = ", ".join(f"{name.replace('__', '.')} {said(value)}" for name, value in match.items())
        return f"{self.noun} with {about}" if about else f"{self.noun}"

    def _instead(self, waited_s: float) -> str:
        near = self.facts or self._agent().facts(self.fact_type)
        if not near:
            return f"after {waited_s:.1f} s there is no {self.noun} at all"
        return f"after {waited_s:.1f} s there is: " + "; ".join(fact.describe() for fact in near[:5])


def said(value: object) -> str:
    """A wanted value or condition in words: `at least 53`, `S or R`."""
    match value:
        case Ge():
            return f"at least {value.value:g}"
        case Le():
            return f"at most {value.value:g}"
        case In():
            return " or ".join(map(str, value.values))
        case Contains():
            return f"with {value.value}"
    return str(value)


class SysvShm(Module[facts.SysvShm]):
    """System V shared memory segments (shmget(2)).

    >>> alpha.sysv_shm(key=5678).wait(size=27, nattch=1).mode
    0o660
    """

    fact_type = facts.SysvShm
    noun = "System V segment"


class SysvSem(Module[facts.SysvSem]):
    """System V semaphore sets (semget(2)).

    >>> alpha.sysv_sem(key=5678).nsems
    """

    fact_type = facts.SysvSem
    noun = "System V semaphore set"


class SysvMsg(Module[facts.SysvMsg]):
    """System V message queues (msgget(2)).

    >>> alpha.sysv_msg(key=5678).qnum
    """

    fact_type = facts.SysvMsg
    noun = "System V message queue"


class Named(Module[F]):
    """Objects that have a name, given first."""

    def __init__(self, agent: Ask, around: Surroundings, name: str | None = None, **match: object) -> None:
        """`name` as the program gives it, with its slash; all of them without it."""
        super().__init__(agent, around, **({"name": name} if name is not None else {}), **match)


class PosixShm(Named[facts.PosixShm]):
    """POSIX shared memory objects (shm_open(3)), files in /dev/shm.

    >>> alpha.posix_shm("/lab").size
    """

    fact_type = facts.PosixShm
    noun = "POSIX shared memory object"


class PosixSem(Named[facts.PosixSem]):
    """Named POSIX semaphores (sem_open(3)).

    >>> alpha.posix_sem("/lock").value
    """

    fact_type = facts.PosixSem
    noun = "POSIX semaphore"


class PosixMq(Named[facts.PosixMq]):
    """POSIX message queues (mq_open(3)).

    >>> alpha.posix_mq("/jobs").qsize
    """

    fact_type = facts.PosixMq
    noun = "POSIX message queue"


class AtPath(Module[F]):
    """Objects in the file system, their path given first."""

    def __init__(self, agent: Ask, around: Surroundings, path: str | None = None, **match: object) -> None:
        """`path` is absolute; all of them without it."""
        super().__init__(agent, around, **({"path": path} if path is not None else {}), **match)


class Fifo(AtPath[facts.Fifo]):
    """FIFOs below /ipc and /tmp, and which processes have which end (fifo(7)).

    >>> alpha.fifo("/ipc/log").readers
    """

    fact_type = facts.Fifo
    noun = "FIFO"


class Pipe(Module[facts.Pipe]):
    """Unnamed pipes (pipe(2)) by inode.

    >>> alpha.pipe(ino=4711).writers
    """

    fact_type = facts.Pipe
    noun = "pipe"


class UnixSocket(AtPath[facts.UnixSocket]):
    """Unix sockets and their peers (unix(7)); abstract names begin with @.

    >>> alpha.unix_socket("/ipc/echo").wait(state="listen").backlog
    """

    fact_type = facts.UnixSocket
    noun = "Unix socket"


class SocketFile(AtPath[facts.SocketFile]):
    """Socket files below /ipc and /tmp, bound to a socket that lives or not.

    >>> alpha.socket_file("/ipc/echo").mode
    """

    fact_type = facts.SocketFile
    noun = "socket file"


class OnPort(Module[F]):
    """Internet sockets by local port."""

    def __init__(self, agent: Ask, around: Surroundings, port: int | None = None, **match: object) -> None:
        """`port` is the local one, in host order; all of them without it."""
        super().__init__(agent, around, **({"local__port": port} if port is not None else {}), **match)


class Tcp(OnPort[facts.Tcp]):
    """TCP sockets, IPv4 and IPv6 (tcp(7)).

    >>> beta.tcp(port=5678).wait(state="listen").local.ip
    """

    fact_type = facts.Tcp
    noun = "TCP socket"


class Udp(OnPort[facts.Udp]):
    """UDP sockets, IPv4 and IPv6 (udp(7)).

    >>> beta.udp(port=5678).exists
    """

    fact_type = facts.Udp
    noun = "UDP socket"


class Processes(Module[facts.Process]):
    """Processes (proc(5)): state, parent, descriptors, shared mappings, the system call that each sleeps in.

    >>> alpha.processes(comm="server").fact.state
    """

    fact_type = facts.Process
    noun = "process"

    def signal(self, number: int) -> None:
        """Send a signal to each that matches; when this returns SIGSTOP has stopped, and SIGKILL ended, all of them.

        Raises:
            AssertionError: There is none.
            TimedOut: One has neither stopped nor ended in time.
        """
        found = self.facts
        assert found, f"there is no {self._named(self._match)}"
        for one in found:
            with suppress(ObjectMissing):  # it has ended meanwhile
                self._agent().signal(one.pid, number)
        Processes(self._agent, self._around, pid=In(*(one.pid for one in found))).wait_for_signal(number)

    def wait_for_signal(self, number: int) -> None:
        """Return as soon as those that match, which were sent a signal, have stopped or ended; at once after others.

        Raises:
            TimedOut: One has neither stopped nor ended in time.
        """
        if number in STILL_TO_COME:
            Processes(self._agent, self._around, **{**self._match, "state": STILL_TO_COME[number]}).wait_gone()


BY_NAME: dict[str, type[Module[Any]]] = {
    "sysv_shm": SysvShm,
    "sysv_sem": SysvSem,
    "sysv_msg": SysvMsg,
    "posix_shm": PosixShm,
    "posix_sem": PosixSem,
    "posix_mq": PosixMq,
    "fifo": Fifo,
    "pipe": Pipe,
    "unix_socket": UnixSocket,
    "socket_file": SocketFile,
    "tcp": Tcp,
    "udp": Udp,
    "processes": Processes,
}
