"""The agent in a real container: what it starts, what it kills, what ends it, and what a student's program can't do.

Run as a program, this file is the client that a test kills: it starts a program through an agent and says so.
"""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from orchestrator.agent import PIPE, Agent, Command, NotYet
from orchestrator.agent import facts as seen
from orchestrator.agent.channel import GRACE_S
from orchestrator.agent.match import Exactly, Ge, In, Ne
from orchestrator.checks.build import FLAGS, INSTRUMENT, RUNTIME
from orchestrator.checks.diagnosis import diagnose
from orchestrator.checks.programs import DEATHS, PERTURB
from orchestrator.engine.context import reference
from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.images import base_reference
from orchestrator.errors import AgentGone, AgentRefused, AgentTimeout
from orchestrator.labels import InstanceName
from orchestrator.lifecycle import arguments, build_image
from orchestrator.world import ContainerSpec, ImageSpec, Limits, SandboxSpec

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("agent")]

IMAGE = reference("lab", base_reference(None), arguments())
NAME = InstanceName("lab-97", f"agent-{os.getpid()}")
SANDBOX = NAME.named("alpha")
LEFT = NAME.named("alpha", "left")
DOOMED = NAME.named("alpha", "doomed")
LIMITS = Limits(
    memory_bytes=256 << 20, pids=64, tmp_bytes=32 << 20, tmp_inodes=4096, cpus=2.0, file_bytes=16 << 20, open_files=256,
    mqueue_bytes=512 << 10,
)  # fmt: skip
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}

DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(1000)
    os._exit(0)
os.wait()
sys.exit(0)
"""

COUNTER = r"""
#include <semaphore.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
    sem_t free;
    int count;
};

int main(int argc, char *argv[]) {
    int locked = argc > 1 && argv[1][0] != '\0';
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sem_init(&shared->free, 1, 1);
    for (int process = 0; process < 2; process++)
        if (fork() == 0) {
            for (int i = 0; i < 200; i++) {
                if (locked)
                    sem_wait(&shared->free);
                shared->count++;
                if (locked)
                    sem_post(&shared->free);
            }
            _exit(0);
        }
    while (wait(NULL) != -1)
        ;
    printf("%d\n", shared->count);
    return 0;
}
"""

ATTACKER = r"""
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

static void tell(const char *deed, long result) {
    printf("%s %s\n", deed, result == -1 ? strerrorname_np(errno) : "done");
    fflush(stdout);
}

static void try_open(const char *pid, const char *what, int flags) {
    char path[64];

    snprintf(path, sizeof path, "/proc/%s/%s", pid, what);
    tell(what, open(path, flags));
}

int main(int argc, char *argv[]) {
    if (argc != 2)
        return 2;
    pid_t agent = atoi(argv[1]);
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
    struct rlimit none = {0, 0};

    tell("kill", kill(agent, SIGKILL));
    tell("stop", kill(agent, SIGSTOP));
    tell("ptrace", ptrace(PTRACE_SEIZE, agent, NULL, NULL));
    tell("process_vm_readv", process_vm_readv(agent, &here, 1, &there, 1, 0));
    tell("prlimit", prlimit(agent, RLIMIT_NOFILE, &none, NULL));
    try_open(argv[1], "mem", O_RDWR);
    try_open(argv[1], "fd/0", O_RDONLY);
    try_open(argv[1], "fd/1", O_WRONLY);
    try_open(argv[1], "environ", O_RDONLY);
    try_open(argv[1], "cwd/x", O_RDONLY);
    return 0;
}
"""
REFUSED = {
    "kill": "EPERM",
    "stop": "EPERM",
    "ptrace": "EPERM",
    "process_vm_readv": "EPERM",
    "prlimit": "EPERM",
    "mem": "EACCES",
    "fd/0": "EACCES",
    "fd/1": "EACCES",
    "environ": "EACCES",
    "cwd/x": "EACCES",
}


def eventually(holds: Callable[[], bool], timeout_s: float) -> bool:
    """Whether it holds within the time."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.02)
    return True


def container(name: str, image_name: str) -> ContainerSpec:
    labels = NAME.labels("container", host="alpha", container=image_name)
    return ContainerSpec(
        name=name, host="alpha", container=image_name, hostname="alpha", image=IMAGE, sandbox=SANDBOX,
        share=frozenset({"ipc", "net", "pid"}), volume=None, limits=LIMITS, shm_bytes=1 << 20, labels=labels,
        grants=("net_raw",),
    )  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    """An engine that holds one host with one container."""
    with closing(DockerEngine.connect()) as engine:
        build_image(engine, ImageSpec("lab", IMAGE), None, print)
        try:
            engine.create_sandbox(
                SandboxSpec(
                    name=SANDBOX, host="alpha", hostname="alpha", image=IMAGE, attachments=(), hosts={}, sysctls={},
                    shm_bytes=16 << 20, volume=None, labels=NAME.labels("sandbox", host="alpha"),
                )
            )  # fmt: skip
            engine.start(SANDBOX)
            engine.create_container(container(LEFT, "left"))
            engine.start(LEFT)
            yield engine
        finally:
            for name in (DOOMED, LEFT, SANDBOX):
                engine.remove_container(name)


@pytest.fixture
def agent(engine: DockerEngine) -> Iterator[Agent]:
    """An agent of its own for each test."""
    with Agent.start(engine, LEFT) as agent:
        yield agent


def shell(script: str, **more: object) -> Command:
    return Command(("/bin/sh", "-c", script), ENVIRONMENT, **more)  # type: ignore[arg-type]


def as_root(engine: DockerEngine, *argv: str) -> bytes:
    """What a command prints that is run beside the agent."""
    with engine.open_exec(LEFT, argv, user="0") as stream:
        output = b""
        while piece := stream.read(10):
            output += piece
        return output


def built(agent: Agent, name: str, source: str) -> str:
    """The path of a C program, compiled as the student."""
    agent.put(f"/tmp/{name}.c", source.encode(), uid=1000, gid=1000)
    result = agent.run(shell(f"gcc -std=c17 -D_GNU_SOURCE -Wall -o /tmp/{name} /tmp/{name}.c"), 30)
    assert result.ok, result.stderr.decode()
    agent.put(f"/build/{name}", agent.get(f"/tmp/{name}").data, mode=0o755, parents=True)
    return f"/build/{name}"


def test_the_agent_says_who_and_where_it_is(agent: Agent) -> None:
    assert agent.hello.uid == 0
    assert agent.hello.init_argv == ("/usr/lib/ipclab/pause", "sandbox", "alpha")
    assert agent.hello.ns["ipc"] == agent.hello.init_ns["ipc"]
    agent.ping()


def test_a_program_runs_as_the_student_without_any_privilege(agent: Agent) -> None:
    status = agent.run(shell("cat /proc/self/status; pwd; umask; env"), 5).stdout.decode()
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert lines["Uid"].split() == ["1000"] * 4
    assert lines["Gid"].split() == ["1000"] * 4
    assert lines["Groups"].split() == []
    assert {int(lines[f"Cap{which}"], 16) for which in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
    assert lines["NoNewPrivs"] == "1"
    assert lines["Seccomp"] == "2"
    assert "0007" in status


def test_a_program_has_what_it_is_granted_and_no_more(agent: Agent) -> None:
    status = shell("cat /proc/self/status", grants=("net_raw",))
    lines = dict(line.split(b":\t", 1) for line in agent.run(status, 5).stdout.splitlines() if b":\t" in line)
    assert {int(lines[b"Cap" + which], 16) for which in (b"Inh", b"Prm", b"Eff", b"Bnd", b"Amb")} == {1 << 13}
    with pytest.raises(AgentRefused, match="Operation not permitted"):
        agent.run(shell("true", grants=("net_bind_service",)), 5)  # its container has it not
    with pytest.raises(AgentRefused, match="there is no grant `sys_admin`") as caught:
        agent.run(shell("true", grants=("sys_admin",)), 5)
    assert caught.value.kind == "usage"


def test_a_program_runs_on_the_processors_that_it_is_given(agent: Agent) -> None:
    last = max(os.sched_getaffinity(0))
    assert agent.run(shell("taskset -cp $$ | cut -d: -f2", cpus=(last,)), 5).stdout.split() == [str(last).encode()]


def test_a_program_with_a_perturbed_schedule_loses_races_and_no_lock(agent: Agent) -> None:
    agent.put("/tmp/counter.c", COUNTER.encode(), uid=1000, gid=1000)
    flags = " ".join((*FLAGS, *INSTRUMENT))
    built = agent.run(shell(f"gcc {flags} -o /tmp/counter /tmp/counter.c {' '.join(RUNTIME)}"), 30)
    assert built.ok, built.stderr.decode()
    agent.put("/build/counter", agent.get("/tmp/counter").data, mode=0o755, parents=True)
    for locked, expected in (("locked", range(20, 21)), ("", range(5))):
        runs = [agent.run(Command(("/build/counter", locked), {PERTURB: str(seed)}), 10).stdout for seed in range(20)]
        assert runs.count(b"400\n") in expected
    # Itself, before it reads what its children have added up; both of them, before they begin; the first, after one.
    deaths = [agent.run(Command(("/build/counter",), {DEATHS: text}), 10) for text in ("1", "0,1,1", "0,3,1")]
    assert [(one.signal, one.stdout) for one in deaths] == [("SIGKILL", b""), (None, b"0\n"), (None, b"1\n")]


def test_limits_are_the_kernels(agent: Agent) -> None:
    assert agent.run(shell("ulimit -n; ulimit -c", limits={"nofile": 64, "core": 0}), 5).stdout == b"64\n0\n"
    too_big = agent.run(shell("exec head -c 10000 /dev/zero > /tmp/big", limits={"fsize": 4096}), 5)
    assert too_big.signal == "SIGXFSZ"


def test_what_can_not_be_executed_is_refused_with_its_path(agent: Agent) -> None:
    with pytest.raises(AgentRefused, match="No such file or directory") as caught:
        agent.spawn(Command(("/build/nothing",)))
    assert (caught.value.kind, caught.value.answer["path"]) == ("os", "/build/nothing")


def test_output_is_bytes_from_end_to_end(agent: Agent) -> None:
    data = os.urandom(1 << 20)
    result = agent.run(Command(("/bin/cat",), stdin=data, output_cap=4 << 20), 10)
    assert result.stdout == data
    assert result.ok


def test_of_too_much_output_head_and_tail_are_kept(agent: Agent) -> None:
    result = agent.run(shell("seq 100000", output_cap=1000), 5)
    assert result.stdout[:4] == b"1\n2\n"
    assert result.stdout[-7:] == b"100000\n"
    assert (len(result.stdout), result.stdout_total) == (1000, 588895)


def test_endless_output_kills_the_program(agent: Agent) -> None:
    result = agent.run(Command(("/usr/bin/yes",), output_kill=1 << 20), 10)
    assert result.killed_for_output
    assert str(result).startswith("killed after ")
    assert result.stdout_total >= 1 << 20


def test_a_program_is_killed_at_its_deadline_and_says_where_it_was(agent: Agent) -> None:
    program = agent.spawn(Command(("/bin/sleep", "100"), deadline_s=0.5))
    agent.wait(seen.Process, 5, pid=program.pid, syscall__name="clock_nanosleep")
    result = program.wait(5)
    assert (result.timed_out, result.signal) == (True, "SIGKILL")
    assert 0.5 <= result.wall_s < 2
    (process,) = result.at_kill
    assert process.syscall is not None
    assert process.syscall.name == "clock_nanosleep"


def test_what_a_program_forked_has_used_its_time(agent: Agent) -> None:
    process = agent.spawn(shell("trap '' CHLD; while :; do :; done & exec sleep 100"))
    agent.wait(seen.Process, 5, ppid=process.pid, utime_s=Ge(0.2))
    agent.wait(seen.Process, 5, pid=process.pid, comm="sleep")
    process.kill()
    result = process.wait(5)
    assert 0.2 <= result.cpu_s < 2 * result.wall_s, "each counts once"


def test_a_program_that_runs_on_can_be_talked_to(agent: Agent) -> None:
    process = agent.spawn(Command(("/bin/cat",), stdin=PIPE))
    assert process.write(b"hello")
    assert eventually(lambda: process.output().stdout == b"hello", 2)
    assert process.running()
    with pytest.raises(NotYet) as caught:
        process.wait(0.05)
    assert diagnose(caught.value.snapshot, {process.pid: "client"}) == (
        "client is in read() of its standard input, whose other end the check holds",
    )
    process.close_stdin()
    assert process.wait(2).ok
    assert not process.write(b"too late")


def test_a_signal_reaches_the_program(agent: Agent) -> None:
    process = agent.spawn(Command(("/bin/sleep", "100")))
    assert process.signal(signal.SIGTERM) == 1
    assert process.wait(2).signal == "SIGTERM"
    assert process.signal(signal.SIGTERM) == 0


def test_a_program_is_killed_with_what_it_forked(agent: Agent) -> None:
    process = agent.spawn(shell("sleep 100 & sleep 100 & wait"))
    agent.wait(seen.Process, 2, count=Exactly(3), pgid=process.pid)
    process.kill()
    assert agent.facts(seen.Process, pgid=process.pid) == ()
    assert process.wait(2).signal == "SIGKILL"


def test_a_daemon_that_left_its_session_is_found_and_killed(agent: Agent) -> None:
    result = agent.run(Command(("/usr/bin/python3", "-c", DAEMON), ENVIRONMENT), 10)
    assert result.ok
    pid = int(result.stdout)
    (daemon,) = agent.facts(seen.Process, pid=pid)
    assert daemon.ours
    (survivor,) = agent.kill_all()
    assert survivor.pid == pid
    assert survivor.argv[0] == "/usr/bin/python3"
    assert agent.facts(seen.Process, pid=pid) == ()
    assert agent.kill_all() == ()


def test_leftovers_are_new_since_the_baseline_and_can_be_removed(agent: Agent) -> None:
    before = agent.snapshot()
    script = "mkfifo /tmp/left; ipcmk -M 27 -p 0660 > /dev/null; ipcmk -Q > /dev/null; echo > /dev/shm/lab"
    assert agent.run(shell(script), 5).ok
    left = agent.snapshot().new_since(before)
    assert [fact.kind for fact in left] == ["sysv_shm", "sysv_msg", "posix_shm", "fifo"]
    for fact in left:
        removal = fact.removal()
        assert removal is not None
        agent.remove(**removal)
        agent.remove(**removal)
    assert agent.snapshot().new_since(before) == ()


PRELUDE = """
import ctypes, os, signal, socket, subprocess, sys, time
libc = ctypes.CDLL(None, use_errno=True)

def checked(result):
    if result == -1:
        sys.exit(os.strerror(ctypes.get_errno()))
    return result

def fifo(name):
    if not os.path.exists(name):
        os.mkfifo(name)
    return name
"""
SEMOP = """
number = checked(libc.semget(5678, 1, 0o1660))
checked(libc.semop(number, ctypes.byref((ctypes.c_short * 3)(0, -1, 0)), 1))
"""
SEM_WAIT = """
libc.sem_open.restype = ctypes.c_void_p
libc.sem_wait.argtypes = [ctypes.c_void_p]
libc.sem_wait(libc.sem_open(b"/turn", os.O_CREAT, 0o660, 0))
"""
MSGRCV = """
number = checked(libc.msgget(5678, 0o1660))
libc.msgrcv(number, ctypes.create_string_buffer(100), 10, 0, 0)
"""
MQ_RECEIVE = """
queue = checked(libc.mq_open(b"/jobs", os.O_CREAT | os.O_RDWR, 0o660, None))
libc.mq_receive(queue, ctypes.create_string_buffer(10000), 10000, None)
"""
LISTEN = "server = socket.create_server(('127.0.0.1', 5678));"
CONNECT = "client = socket.create_connection(('127.0.0.1', 5678));"
BLOCKED: list[tuple[dict[str, str], list[str]]] = [
    (
        {"reader": "open(fifo('/tmp/pipe'))"},
        ["reader is in open() of /tmp/pipe for reading; no process has it open for writing"],
    ),
    (
        {"left": "open(fifo('/tmp/a')); open(fifo('/tmp/b'), 'w')", "right": "open(fifo('/tmp/b'))"},
        [
            "left is in open() of /tmp/a for reading; no process has it open for writing",
            "right is in open() of /tmp/b for reading; no process has it open for writing",
            "left and right open different FIFOs first (left /tmp/a, right /tmp/b): each waits for the other",
        ],
    ),
    (
        {"client": "ends = os.pipe(); os.read(ends[0], 1)"},
        ["client is in read() of a pipe whose only writer is itself: it has not closed that end"],
    ),
    (
        {"client": "one, other = socket.socketpair(); one.recv(1)"},
        ["client is in recvfrom() on a Unix connection with 0 bytes unread; it holds both ends of it itself"],
    ),
    (
        {"server": "server = socket.socket(socket.AF_UNIX); server.bind('/tmp/s'); server.listen(); server.accept()"},
        ["server is in accept() on /tmp/s; nobody is connected"],
    ),
    (
        {"server": f"{LISTEN} server.accept()"},
        ["server is in accept() on port 5678; nobody is connected"],
    ),
    (
        {"server": f"{LISTEN} peer = server.accept(); time.sleep(100)", "client": f"{CONNECT} client.recv(1)"},
        [
            "server is in nanosleep()",
            "client is in recvfrom() on a TCP connection to 127.0.0.1:5678 with 0 bytes unread; "
            "the peer process server is in nanosleep()",
        ],
    ),
    (
        {"server": f"{LISTEN} server.accept()[0].recv(1)", "client": f"{CONNECT} client.recv(1)"},
        ["server and client wait for each other"],
    ),
    (
        {"client": SEMOP},
        [
            "client is in semop() of set N (key 0x162e); "
            "no other program is left here that could raise a semaphore of it"
        ],
    ),
    (
        {"client": SEM_WAIT},
        ["client waits for the semaphore /turn (value 0); no other process here maps it, so nobody is left to wake it"],
    ),
    (
        {"client": SEM_WAIT, "server": SEM_WAIT},
        [
            "client waits for the semaphore /turn (value 0); it is mapped by server, too",
            "server waits for the semaphore /turn (value 0); it is mapped by client, too",
            "client and server wait for each other",
        ],
    ),
    (
        {"server": MSGRCV},
        [
            "server is in msgrcv() of queue N (key 0x162e), which holds 0 messages; "
            "no other program is left here that could send to it"
        ],
    ),
    (
        {"server": MQ_RECEIVE},
        ["server is in mq_receive() of /jobs, which holds 0 bytes; no other process here has it open"],
    ),
    ({"client": "signal.pause()"}, ["client is in pause(): it waits for a signal"]),
    ({"client": "os.kill(os.getpid(), signal.SIGSTOP)"}, ["client is stopped by a signal, and waits for SIGCONT"]),
]


@pytest.mark.parametrize(("programs", "sentences"), BLOCKED)
def test_blocked_programs_are_diagnosed(agent: Agent, programs: dict[str, str], sentences: list[str]) -> None:
    before = agent.snapshot()
    names: dict[int, str] = {}
    for name, source in programs.items():
        process = agent.spawn(Command(("/usr/bin/python3", "-c", PRELUDE + source), ENVIRONMENT, name=name))
        names[process.pid] = name
        # The next one may need what this one makes.
        agent.wait(seen.Process, 5, pid=process.pid, state=In("S", "T"), wchan=Ne(None))
    told: list[str] = []

    def so_diagnosed() -> bool:
        told[:] = [re.sub(r"(set|queue) \d+", r"\1 N", one) for one in diagnose(agent.snapshot(), names)]
        return told[-len(sentences) :] == sentences

    assert eventually(so_diagnosed, 3), told
    agent.kill_all()
    for fact in agent.snapshot().new_since(before):
        removal = fact.removal()
        if removal is not None:
            agent.remove(**removal)


def test_a_busy_program_is_told_from_one_that_works(agent: Agent) -> None:
    process = agent.spawn(Command(("/bin/sh", "-c", "while :; do :; done"), ENVIRONMENT))
    (busy,) = agent.wait(seen.Process, 5, pid=process.pid, utime_s=Ge(0.1))
    waited_s = busy.cpu_s * 1.5
    (sentence,) = diagnose(seen.Snapshot(process=(busy,)), {process.pid: "server"}, waited_s=waited_s)
    took = f"has used {busy.cpu_s:.1f} s of CPU in {waited_s:.1f} s"
    assert sentence.startswith(f"server is running (no system call) and {took}: it is busy")


def test_a_child_that_nobody_waited_for_is_diagnosed(agent: Agent) -> None:
    source = PRELUDE + "child = os.fork() or os._exit(0); print(child, flush=True); signal.pause()"
    process = agent.spawn(Command(("/usr/bin/python3", "-c", source), ENVIRONMENT))
    (child,) = agent.wait(seen.Process, 5, ppid=process.pid, state="Z")
    sentences = diagnose(agent.snapshot(), {process.pid: "server"})
    assert f"child {child.pid} of server has ended but was never waited for" in sentences


def test_a_fact_costs_little_beside_an_exec(agent: Agent, engine: DockerEngine) -> None:
    def median_s(deed: Callable[[], object], times: int) -> float:
        def once() -> float:
            began = time.perf_counter()
            deed()
            return time.perf_counter() - began

        return statistics.median(once() for _ in range(times))

    fact_s = median_s(lambda: agent.facts(seen.SysvShm, key=5678), 200)
    exec_s = median_s(lambda: as_root(engine, "true"), 5)
    assert fact_s * 20 < exec_s


# What ends an agent


def gone_after(agent: Agent, deed: Callable[[], object]) -> float:
    """How long a wait goes on after something ended its agent."""
    began: list[float] = []

    def end() -> None:
        began.append(time.monotonic())
        deed()

    killer = threading.Timer(0.2, end)
    killer.start()
    with pytest.raises(AgentGone) as caught:
        agent.wait(seen.SysvShm, 30, key=1)
    elapsed_s = time.monotonic() - began[0]
    killer.join()
    assert "ipclab up" in caught.value.fix
    with pytest.raises(AgentGone):
        agent.ping()
    return elapsed_s


def test_an_agent_that_is_killed_is_gone_at_once(agent: Agent, engine: DockerEngine) -> None:
    agent.spawn(Command(("/bin/sleep", "1000")))
    assert gone_after(agent, lambda: as_root(engine, "kill", "-KILL", str(agent.hello.pid))) < 3
    assert eventually(lambda: b"sleep" not in as_root(engine, "ps", "-eo", "args"), 2)


def test_an_agent_whose_container_is_removed_is_gone_at_once(engine: DockerEngine) -> None:
    engine.create_container(container(DOOMED, "doomed"))
    engine.start(DOOMED)
    with Agent.start(engine, DOOMED) as agent:
        assert gone_after(agent, lambda: engine.remove_container(DOOMED)) < 5
    with pytest.raises(AgentGone, match="no agent can be started"):
        Agent.start(engine, DOOMED)


def test_a_frozen_agent_is_given_up_in_time(agent: Agent, engine: DockerEngine) -> None:
    as_root(engine, "kill", "-STOP", str(agent.hello.pid))
    began = time.monotonic()
    try:
        with pytest.raises(AgentTimeout, match="did not answer `put` within"):
            agent.call("put", bytes(16 << 20), path="/tmp/x", timeout_s=0.1)
        assert time.monotonic() - began < GRACE_S + 2
    finally:
        as_root(engine, "kill", "-KILL", str(agent.hello.pid))


def test_a_killed_client_takes_everything_with_it(engine: DockerEngine) -> None:
    child = subprocess.Popen([sys.executable, __file__, LEFT], stdout=subprocess.PIPE, text=True)
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "started\n"
        assert set(commands_in(LEFT)) > {"pause", "python3"}
        child.send_signal(signal.SIGKILL)
    assert eventually(lambda: commands_in(LEFT) == ["pause"], 2), commands_in(LEFT)


def commands_in(name: str) -> list[str]:
    """The processes of a container, as the engine sees them."""
    top = subprocess.run(["docker", "top", name, "-o", "pid,comm"], capture_output=True, text=True, check=True)
    return sorted(line.split(maxsplit=1)[1] for line in top.stdout.splitlines()[1:])


def test_a_student_can_neither_signal_nor_trace_nor_read_the_agent(agent: Agent) -> None:
    attacker = built(agent, "attacker", ATTACKER)
    result = agent.run(Command((attacker, str(agent.hello.pid))), 5)
    told = dict(line.split(" ") for line in result.stdout.decode().splitlines())
    assert told == REFUSED
    agent.ping()


def test_a_student_that_kills_everything_it_can_kills_only_itself(agent: Agent) -> None:
    result = agent.run(shell("kill -KILL -1"), 5)
    assert result.exit == 0 or result.signal == "SIGKILL"
    agent.ping()


def client(name: str) -> None:
    """Start a program, and a daemon of it, and wait to be killed."""
    agent = Agent.start(DockerEngine.connect(), name)
    agent.spawn(Command(("/bin/sleep", "1000")))
    assert agent.run(Command(("/usr/bin/python3", "-c", DAEMON), ENVIRONMENT), 10).ok
    print("started", flush=True)
    signal.pause()


if __name__ == "__main__":
    client(sys.argv[1])
