"""What a program can reach: other users' processes and files, the kernel, the network beyond its host. Nothing.

The attackers are the probes in `labs/hostile/probe`: they print, for each attempt, `done` or the error that came of it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orchestrator.agent.command import Command
from orchestrator.agent.facts import Process
from orchestrator.checks.fixtures import Bench
from orchestrator.labels import InstanceName
from orchestrator.session import JUDGED, Session
from tests.e2e.arena import INSTANCE, Arena, arena

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("hostile")]

REFUSED = {"EPERM", "EACCES"}
NOT_FOR_STUDENTS = {
    *("setuid 0", "setuid peer", "setgid 0", "setgroups", "setfsuid 0", "chroot", "sethostname", "nice", "mlockall"),
    *(f"unshare {kind}" for kind in ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup")),
    *("clone user", "mount", "remount", "umount", "fsopen"),
    *("mknod device", "raw socket", "packet socket", "vsock", "io_uring_setup"),
    *("bpf", "perf_event_open", "userfaultfd", "add_key", "keyctl", "init_module", "kexec_load", "open_by_handle_at"),
    *("reboot", "swapoff", "settimeofday", "syslog", "iopl"),
}
TOO_MUCH = {
    "segment of 1 GiB": "EINVAL",
    "set of 1000 semaphores": "EINVAL",
    "queue of 10000 messages": "EINVAL",
    "segments": "ENOSPC",
    "queues": "ENOSPC",
    "core": "EPERM",
    "files": "EPERM",
    "file size": "EPERM",
    "POSIX queues": "EPERM",
}
WITHOUT = {"ENOSYS", "EINVAL", "EAFNOSUPPORT"}
"""How a kernel answers that was built without a call."""
SECRETS = (
    "/etc/shadow",
    "/proc/kcore",
    "/proc/kmsg",
    "/proc/1/environ",
    "/proc/1/root/etc/hostname",
    "/sys/kernel/debug/sched",
    "/root/.bashrc",
)
UNWRITABLE = (
    "/build/judged/probe/intruder",
    "/build/mine",
    "/usr/lib/ipclab/agent/__main__.py",
    "/usr/lib/ipclab/pause",
    "/etc/passwd",
    "/usr/bin/gcc",
    "/home/student/.bashrc",
    "/proc/sys/kernel/shmmax",
    "/proc/sys/kernel/core_pattern",
    "/proc/sysrq-trigger",
    "/sys/fs/cgroup/pids/pids.max",
    "/sys/fs/cgroup/pids.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    "/dev/mem",
    "/dev/kmsg",
)
ABSENT = {"ENOENT", "EROFS"}
PORT = 47113


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with arena(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@pytest.fixture
def check(hostile: Arena) -> Iterator[Bench]:
    with hostile.check() as bench:
        yield bench


def told(bench: Bench, *args: str) -> dict[str, str]:
    """What the intruder says of each of its deeds."""
    lines = bench.program("intruder").run(args=args).stdout.decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines)


@pytest.mark.parametrize("whose", ["agent", "peer", "pause"])
def test_nobody_elses_process_can_be_touched(check: Bench, whose: str) -> None:
    ours = check.program("victim", peer=True).start()
    ours.expect(b"ready\n")
    left, right = (check.context.agent(place) for place in ("alpha/left", "alpha/right"))
    pauses = [one.pid for one in (found(left, pid) for pid in range(1, 20)) if one and one.comm == "pause"]
    pids = {"agent": [left.hello.pid, right.hello.pid], "peer": [ours.pid], "pause": pauses}[whose]
    assert pids
    for pid in pids:
        answers = told(check, "process", str(pid))
        assert len(answers) == 22
        assert set(answers.values()) <= REFUSED, answers
    assert ours.alive
    left.ping()
    right.ping()


def found(agent: object, pid: int) -> Process | None:
    """A process of any kind."""
    return next(iter(agent.facts(Process, pid=pid)), None)  # type: ignore[attr-defined]


def test_a_student_may_touch_its_own_process(check: Bench) -> None:
    own = check.program("victim").start()
    own.expect(b"ready\n")
    answers = told(check, "process", str(own.pid))
    for deed in ("PTRACE_SEIZE", "prlimit", "mem", "environ", "SIGTERM", "SIGKILL"):
        assert answers[deed] == "done", f"the intruder does not know how to do this: {answers}"


def test_the_workspace_is_out_of_reach(check: Bench) -> None:
    for deed, answer in (("read", "EACCES"), ("write", "EACCES")):
        assert told(check, deed, "/work/mine") == {f"{deed} /work/mine": answer}


def test_the_reference_can_neither_be_read_nor_run(check: Bench) -> None:
    check.program("victim", peer=True).start().expect(b"ready\n")
    reference = "/build/peer/probe/victim"
    assert told(check, "read", reference) == {f"read {reference}": "EACCES"}
    assert told(check, "execute", reference) == {f"execute {reference}": "EACCES"}


def test_the_reference_is_built_where_a_running_program_can_not_look(hostile: Arena, check: Bench) -> None:
    spy = (
        "for i in $(seq 400); do cat /tmp/build-*/* /tmp/cc* && exit 3; done 2> /tmp/said; sort -u /tmp/said | head -50"
    )
    running = check.context.agent("alpha/left").spawn(Command(("/bin/sh", "-c", spy), {"PATH": "/usr/bin:/bin"}))
    assert not check.peers.problems()
    ended = running.wait(30)
    assert ended.exit == 0, "it has read something"
    assert b"victim.c: Permission denied" in ended.stdout, "it has not looked while the compiler ran"


def test_nothing_of_ours_can_be_read_or_written(check: Bench) -> None:
    read, written = told(check, "read", *SECRETS), told(check, "write", *UNWRITABLE)
    assert len(read) == len(SECRETS)
    assert len(written) == len(UNWRITABLE)
    assert {*read.values(), *written.values()} <= REFUSED | ABSENT, (read, written)


def test_the_kernel_grants_no_privilege(check: Bench) -> None:
    answers = told(check, "kernel")
    assert set(answers) >= NOT_FOR_STUDENTS
    granted = {deed: answers[deed] for deed in NOT_FOR_STUDENTS if answers[deed] not in REFUSED | WITHOUT}
    assert not granted


def test_a_set_uid_file_gives_nothing(check: Bench) -> None:
    script = (
        "cp /usr/bin/id /tmp/id; chmod 6755 /tmp/id; /tmp/id; find / -xdev -perm /6000 -type f; getcap -r /usr 2>&1"
    )
    ended = check.context.agent("alpha/left").run(Command(("/bin/sh", "-c", script), {"PATH": "/usr/bin:/sbin"}), 20)
    assert b"uid=" not in ended.stdout, "/tmp is for data alone"
    assert ended.stdout == b""


def test_a_program_has_no_capability_and_is_filtered(check: Bench) -> None:
    ended = check.context.agent("alpha/left").run(
        Command(("/bin/cat", "/proc/self/status"), uid=JUDGED.uid, gid=JUDGED.gid), 5
    )
    status = dict(line.split(":\t") for line in ended.stdout.decode().splitlines() if ":\t" in line)
    assert {int(status[f"Cap{name}"], 16) for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert status["Uid"].split() == [str(JUDGED.uid)] * 4


def test_the_kernel_gives_no_more_than_the_definition_allows(check: Bench) -> None:
    answers = told(check, "objects")
    assert {deed: answers[deed] for deed in TOO_MUCH} == TOO_MUCH


@contextmanager
def listening() -> Iterator[None]:
    """Services of this machine, on all its addresses of both families, that answer whoever calls."""
    tcp = socket.create_server(("", PORT), family=socket.AF_INET6, dualstack_ipv6=True)
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    udp.bind(("", PORT))
    udp.settimeout(0.1)
    done = threading.Event()

    def answer() -> None:
        while not done.is_set():
            try:
                udp.sendto(b"here", udp.recvfrom(64)[1])
            except OSError:  # nobody called, or who called can't be reached
                continue

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        tcp.close()
        udp.close()


def answered(bench: Bench, port: int, *addresses: str) -> set[str]:
    """Which of the addresses the caller got an answer from: `TCP 10.97.0.4`, `UDP fd00::1 eth0`."""
    lines = bench.program("caller").run(args=[str(port), *addresses]).stdout.decode().splitlines()
    return {line.strip() for line in lines}


def test_no_service_of_the_engines_machine_answers(hostile: Arena, check: Bench) -> None:
    network = hostile.session.desired.networks[0]
    bridge4 = network.ipv4.partition("/")[0].rsplit(".", 1)[0]
    first = int(network.ipv4.partition("/")[0].rsplit(".", 1)[1]) + 1
    bridge = [f"{bridge4}.{first}", f"{network.ipv6.partition('/')[0]}1", "fe80::1%eth0", "ff02::1%eth0"]
    own = {str(one[4][0]) for one in socket.getaddrinfo(socket.gethostname(), None)} - {"127.0.0.1", "127.0.1.1", "::1"}
    with listening():
        with socket.create_connection(("127.0.0.1", PORT), 2):
            pass
        assert answered(check, PORT, *bridge, *own, "172.17.0.1") == set()


def test_a_neighbour_answers_and_another_instance_does_not(hostile: Arena, check: Bench) -> None:
    other = Session.open(hostile.definition, InstanceName("hostile", f"{INSTANCE}-b"))
    try:
        serve = Command(("/usr/bin/nc", "-lk", str(PORT)), {"PATH": "/usr/bin"})
        for session in (hostile.session, other):
            for family in ("-4", "-6"):
                argv = (*serve.argv[:1], family, *serve.argv[1:])
                session.agent("beta/main").spawn(Command(argv, serve.env))
        mine, theirs = hostile.session.addresses, other.addresses
        neighbours = {mine["beta.ipv4"], mine["beta.ipv6"]}
        eventually_listening(hostile.session, other)
        reached = answered(check, PORT, *neighbours)
        assert {line.split()[1] for line in reached if line.startswith("TCP")} == neighbours
        assert answered(check, PORT, theirs["beta.ipv4"], theirs["beta.ipv6"], theirs["alpha.ipv4"]) == set()
    finally:
        hostile.agent("beta/main").kill_all()
        other.close(down=True)


def eventually_listening(*sessions: Session) -> None:
    """Wait until both services of each session listen."""
    from orchestrator.agent.facts import Tcp
    from orchestrator.agent.match import AtLeast

    for session in sessions:
        session.agent("beta/main").wait(Tcp, 5, count=AtLeast(2), local__port=PORT, state="listen")


def test_there_is_no_internet_and_no_name_service(check: Bench) -> None:
    assert answered(check, 53, "1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "example.org") == set()
