"""Our side of the agent and the agent itself, as a child of this process: that both mean the same by every word."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from orchestrator.agent import PIPE, Agent, Command, NotYet
from orchestrator.agent.facts import KINDS, Fifo, File, Namespaces, Process, Snapshot, UnixSocket
from orchestrator.agent.match import AtMost, Between, Contains, Exactly, Ge, In, Le, Length, Ne
from orchestrator.checks.modules import Processes, Surroundings
from orchestrator.errors import AgentGone, AgentRefused, EngineError, EngineTimeout

PROGRAM = Path(__file__).parents[2] / "images/lab/agent"
ME = {"uid": os.getuid(), "gid": os.getgid()}
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="the agent removes as somebody else, which takes root")


class ChildStream:
    """An `ExecStream` over the pipes of a child process."""

    def __init__(self, *argv: str) -> None:
        self.child = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )

    def fileno(self) -> int:
        assert self.child.stdout is not None
        return self.child.stdout.fileno()

    def read(self, timeout_s: float | None) -> bytes:
        if self.child.stdin is None or self.child.stdin.closed:
            return b""
        if not select.select([self], [], [], timeout_s)[0]:
            raise EngineTimeout("nothing came")
        return os.read(self.fileno(), 1 << 18)

    def write(self, data: bytes, timeout_s: float | None = None) -> None:
        assert self.child.stdin is not None
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self.child.stdin.write(rest) :]
        except OSError as error:
            raise EngineError("the child has closed its standard input") from error

    def end_input(self) -> None:
        assert self.child.stdin is not None
        self.child.stdin.close()

    def stderr_tail(self) -> bytes:
        assert self.child.stderr is not None
        return self.child.stderr.read(4096) if select.select([self.child.stderr], [], [], 1)[0] else b""

    def resize(self, rows: int, columns: int) -> None:
        raise EngineError("there is no terminal")

    def exit_code(self) -> int | None:
        code = self.child.wait(5)
        return code if code >= 0 else 128 - code

    def close(self) -> None:
        self.end_input()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_input()
        assert self.child.stdout is not None
        assert self.child.stderr is not None
        self.child.wait(10)
        self.child.stdout.close()
        self.child.stderr.close()


@contextmanager
def started() -> Iterator[ChildStream]:
    with ChildStream(sys.executable, "-I", "-S", "-B", str(PROGRAM)) as stream:
        yield stream


@pytest.fixture(scope="module")
def whole() -> Iterator[Callable[[], Agent]]:
    """One agent for all tests that leave it whole: it compiles itself at every start, as nothing is cached here."""
    agents: list[Agent] = []
    with ExitStack() as streams:

        def whole() -> Agent:
            if not agents or agents[-1].broken:
                agents.append(Agent.over(streams.enter_context(started()), container="here"))
            return agents[-1]

        yield whole


@pytest.fixture
def agent(whole: Callable[[], Agent]) -> Agent:
    return whole()


@pytest.fixture
def stream() -> Iterator[ChildStream]:
    """An agent that is not yet greeted, of the test's own."""
    with started() as stream:
        yield stream


def shell(script: str, **more: object) -> Command:
    return Command(("/bin/sh", "-c", script), {"PATH": os.environ["PATH"]}, **{**ME, **more})  # type: ignore[arg-type]


@pytest.fixture
def fifo() -> Iterator[str]:
    path = f"/tmp/ipclab-test-{os.getpid()}"
    os.mkfifo(path, 0o640)
    yield path
    Path(path).unlink(missing_ok=True)


def test_they_greet(stream: ChildStream) -> None:
    agent = Agent.over(stream)
    assert agent.hello.pid == stream.child.pid
    assert agent.hello.uid == os.getuid()
    assert agent.hello.ns["pid"] == Path("/proc/self/ns/pid").stat().st_ino
    agent.ping()


def test_every_kind_of_fact_is_understood(agent: Agent) -> None:
    seen = agent.snapshot()
    assert isinstance(seen, Snapshot)
    for kind in KINDS.values():
        found = agent.facts(kind, path="/tmp") if kind is File else agent.facts(kind)
        for fact in found:
            assert fact.describe()
            assert fact.identity
    assert os.getpid() in {process.pid for process in seen.process}


def test_output_and_input_are_bytes(agent: Agent) -> None:
    data = os.urandom(300_000)
    result = agent.run(Command(("/bin/cat",), stdin=data, output_cap=1 << 20, **ME), 10)
    assert (result.stdout, result.stderr, result.exit) == (data, b"", 0)


def test_arguments_and_paths_may_be_any_bytes(agent: Agent) -> None:
    odd = os.fsdecode(b"\xff\x1b[2J\n\xc3")
    assert agent.run(Command(("/usr/bin/printf", "%s", odd), **ME), 5).stdout == os.fsencode(odd)


def test_a_result_tells_the_end_of_a_program(agent: Agent) -> None:
    assert agent.run(shell("echo no >&2; exit 3"), 5).exit == 3
    killed = agent.run(shell("kill -SEGV $$", limits={"core": 0}), 5)
    assert (killed.signal, killed.exit, killed.ok) == ("SIGSEGV", None, False)
    assert re.fullmatch(r"ended by SIGSEGV after \d+\.\d\d s", str(killed))


def test_a_deadline_kills_and_keeps_where_it_was(agent: Agent) -> None:
    program = agent.spawn(shell("exec sleep 100", deadline_s=0.5))
    agent.wait(Process, 5, pid=program.pid, comm="sleep")
    result = program.wait(5)
    assert result.timed_out
    assert [process.comm for process in result.at_kill] == ["sleep"]


def test_a_program_can_be_fed_watched_and_ended(agent: Agent) -> None:
    process = agent.spawn(Command(("/bin/cat",), stdin=PIPE, **ME))
    agent.wait(Process, 5, pid=process.pid, comm="cat")  # a program has started a little before it has its new name
    assert process.running()
    assert process.write(b"x" * 10)
    with pytest.raises(NotYet) as caught:
        process.wait(0.05)
    found = caught.value.snapshot.by_pid(process.pid)
    assert found is not None
    assert (found.proc, found.ours, found.comm) == (process.number, True, "cat")
    assert process.signal(signal.SIGCONT) == 1
    process.close_stdin()
    result = process.wait(5)
    assert (result.stdout, process.running()) == (b"x" * 10, False)
    assert process.signal(signal.SIGTERM) == 0
    assert process.kill() == ()


def test_signals_that_can_not_be_prevented_have_done_their_work(agent: Agent) -> None:
    def processes(**match: object) -> Processes:
        return Processes(lambda: agent, Surroundings(), **match)

    pids = [agent.spawn(shell(script)).pid for script in ("while :; do :; done", "exec sleep 100")]
    both = processes(pid=In(*pids))
    both.signal(signal.SIGSTOP)
    assert [one.state for one in both.facts] == ["T", "T"]
    both.signal(signal.SIGCONT)
    agent.wait(Process, 5, pid=pids[0], state="R")
    both.signal(signal.SIGKILL)
    assert all(one.state == "Z" for one in both.facts)
    both.wait_gone()
    with pytest.raises(AssertionError, match="there is no process"):
        both.signal(signal.SIGTERM)


def test_a_run_that_is_late_is_killed_and_told(agent: Agent) -> None:
    with pytest.raises(NotYet) as caught:
        agent.run(shell("exec sleep 100"), 0.1)
    (process,) = (one for one in caught.value.snapshot.process if one.ours)
    assert agent.facts(Process, pid=process.pid) == ()


def test_what_outlives_its_program_is_killed_and_told(agent: Agent) -> None:
    assert agent.run(shell("sleep 100 > /dev/null & exit 0"), 5).ok
    agent.wait(Process, 5, ours=True, argv=("sleep", "100"))  # until it has executed that, it is a shell
    (survivor,) = agent.kill_all()
    assert survivor.argv == ("sleep", "100")
    assert agent.kill_all() == ()


def test_conditions_mean_what_they_say(agent: Agent, fifo: str) -> None:
    assert agent.facts(Fifo, path=fifo)[0].mode == 0o640
    holds = {
        "path": In(fifo, "/x"), "mode": Between(0o640, 0o640), "ino": Ge(1), "dev": Ne(-1), "gid": Le(ME["gid"]),
        "readers": Length(0),
    }  # fmt: skip
    assert len(agent.facts(Fifo, **holds)) == 1
    for name, wrong in {"path": In("/x"), "mode": Ge(0o641), "gid": Le(-1), "readers": Length(1), "dev": 0}.items():
        assert agent.facts(Fifo, **{**holds, name: wrong}) == ()
    assert agent.facts(Process, pid=os.getpid(), argv=Contains("-I")) == ()


def test_nested_fields_and_descriptors_can_be_compared(agent: Agent, fifo: str) -> None:
    process = agent.spawn(Command(("/bin/cat", fifo), **ME))
    (waiting,) = agent.wait(Process, 5, pid=process.pid, syscall__name="openat", syscall__path=fifo)
    assert waiting.syscall is not None
    (found,) = agent.wait(Fifo, 5, path=fifo, waiting=Contains(process.pid))
    assert found.waiting == (process.pid,)
    with open(fifo, "wb"):  # noqa: PTH123  a FIFO, which waits for its reader
        (reading,) = agent.wait(
            Process, 5, pid=process.pid, syscall__name="read", fds=Contains({"kind": "fifo", "mode": "r"})
        )
        assert reading.syscall is not None
        assert reading.syscall.target == fifo
    assert process.wait(5).ok


def test_a_wait_in_vain_tells_what_there_was(agent: Agent, fifo: str) -> None:
    began = time.monotonic()
    with pytest.raises(NotYet) as caught:
        agent.wait(Fifo, 0.1, path=fifo, count=Exactly(2))
    assert [fact.describe() for fact in caught.value.facts] == [agent.facts(Fifo, path=fifo)[0].describe()]
    assert caught.value.snapshot.fifo
    # No later than the client's grace, or it would be AgentTimeout: a snapshot of a busy machine may take seconds.
    assert time.monotonic() - began >= 0.1
    assert agent.wait(Fifo, 0.1, path="/nowhere", count=AtMost(0)) == ()


def test_a_field_that_no_fact_has_is_refused(agent: Agent) -> None:
    with pytest.raises(AgentRefused) as caught:
        agent.facts(UnixSocket, colour="red")
    assert caught.value.kind == "usage"


@as_root
def test_files_can_be_put_read_and_removed(agent: Agent, tmp_path: Path) -> None:
    data = os.urandom(100_000)
    path = str(tmp_path / "a" / "b")
    agent.put(path, data, mode=0o640, parents=True, **ME)
    content = agent.get(path)
    assert (content.data, content.size, content.mode) == (data, len(data), 0o640)
    with pytest.raises(AgentRefused) as caught:
        agent.get(path, cap_bytes=10)
    assert caught.value.kind == "limit"
    agent.remove_tree(str(tmp_path / "a"))
    agent.remove_tree(str(tmp_path / "a"))
    assert not (tmp_path / "a").exists()


@as_root
def test_a_leftover_is_removed_by_its_fact(agent: Agent, fifo: str) -> None:
    removal = agent.facts(Fifo, path=fifo)[0].removal()
    assert removal is not None
    agent.remove(**removal)
    agent.remove(**removal)
    assert not Path(fifo).exists()


def test_namespaces_are_numbers(agent: Agent) -> None:
    (found,) = agent.facts(Namespaces, pid=os.getpid())
    assert found.ipc == Path("/proc/self/ns/ipc").stat().st_ino


def test_an_agent_that_is_killed_is_gone_and_says_how(stream: ChildStream) -> None:
    agent = Agent.over(stream, container="here")
    stream.child.kill()
    with pytest.raises(AgentGone, match="the agent in here is gone, ended by SIGKILL"):
        agent.ping()
    with pytest.raises(AgentGone, match="can't be asked any more"):
        agent.ping()


def test_an_agent_that_hears_rubbish_says_so_and_is_gone(stream: ChildStream) -> None:
    agent = Agent.over(stream)
    stream.write(b"rubbish" * 10)
    with pytest.raises(AgentGone, match="exit 1; it said last: "):
        agent.ping()


def test_an_agent_that_is_let_go_takes_everything_with_it(stream: ChildStream) -> None:
    agent = Agent.over(stream)
    process = agent.spawn(shell("exec sleep 100"))
    agent.close()
    assert stream.exit_code() == 0
    assert not Path(f"/proc/{process.pid}").exists()
