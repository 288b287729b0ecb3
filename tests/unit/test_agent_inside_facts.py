"""Facts: what the agent says is what programs did, seen by the kernel."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.agent_inside import AgentInside, Refused, python

LIBC = (
    "import ctypes, os, time\nlibc = ctypes.CDLL(None)\nlibc.shmat.restype = libc.sem_open.restype = ctypes.c_void_p\n"
)
HOLD = "\nprint('ready', flush=True)\ntime.sleep(1000)\n"
SHM = Path("/dev/shm")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where channels are looked for: on a file system that has FIFOs and sockets, with a path that fits a socket."""
    path = SHM / f"ipclab-test-{os.getpid()}"
    path.mkdir()
    yield path
    for entry in sorted(path.rglob("*"), reverse=True):
        entry.rmdir() if entry.is_dir() else entry.unlink()
    path.rmdir()


@pytest.fixture(scope="module")
def alone(folder: Path) -> Iterator[AgentInside]:
    with AgentInside((folder,)) as agent:
        yield agent


@pytest.fixture
def agent(alone: AgentInside, folder: Path) -> Iterator[AgentInside]:
    yield alone
    alone.call("kill", all=True)
    for entry in folder.iterdir():
        entry.unlink()


@pytest.fixture
def key() -> int:
    return secrets.randbelow(2**30) + 1


def hold(agent: AgentInside, script: str, **fields: Any) -> int:
    """The process id of a program that has run a script and now sleeps."""
    started = agent.spawn(*python(LIBC + script + HOLD), **fields)
    agent.printed(started, b"ready")
    pid: int = started["pid"]
    return pid


def remove(agent: AgentInside, kind: str, identity: int | str) -> bool:
    removed: bool = agent.call("remove", kind=kind, identity=identity, uid=os.getuid(), gid=os.getgid())["removed"]
    return removed


def test_a_segment_tells_who_made_it_and_who_has_it_attached(agent: AgentInside, key: int) -> None:
    make = f"segment = libc.shmget({key}, 27, 0o1640)\nlibc.shmat(segment, None, 0)"
    owner = hold(agent, make)
    other = hold(agent, f"libc.shmat(libc.shmget({key}, 0, 0), None, 0)")
    [fact] = agent.wait("sysv_shm", key=key, nattch=2)
    assert (fact["size"], fact["mode"], fact["uid"], fact["cgid"]) == (27, 0o640, os.getuid(), os.getgid())
    assert (fact["cpid"], fact["lpid"], sorted(fact["attached"])) == (owner, other, sorted((owner, other)))
    assert (fact["dest"], fact["locked"]) == (False, False)
    agent.call("kill", all=True)
    [fact] = agent.wait("sysv_shm", key=key, nattch=0)
    assert fact["attached"] == []
    assert remove(agent, "sysv_shm", fact["id"])
    assert not remove(agent, "sysv_shm", fact["id"])


def test_a_segment_that_is_marked_for_removal_has_no_key_and_lives_on(agent: AgentInside, key: int) -> None:
    script = f"segment = libc.shmget({key}, 27, 0o1600)\nlibc.shmat(segment, None, 0)\nlibc.shmctl(segment, 0, None)"
    owner = hold(agent, script)
    [fact] = agent.wait("sysv_shm", cpid=owner)
    assert (fact["key"], fact["dest"], fact["mode"], fact["attached"]) == (0, True, 0o600, [owner])


def test_a_key_that_ftok_failed_to_make_is_minus_one(agent: AgentInside) -> None:
    owner = hold(agent, "libc.shmget(-1, 27, 0o1600)")
    [fact] = agent.wait("sysv_shm", cpid=owner)
    assert fact["key"] == -1
    assert remove(agent, "sysv_shm", fact["id"])


def test_semaphore_sets_and_message_queues_are_facts(agent: AgentInside, key: int) -> None:
    sender = hold(
        agent,
        f"libc.semget({key}, 3, 0o1620)\nqueue = libc.msgget({key}, 0o1622)\n"
        "libc.msgsnd(queue, ctypes.create_string_buffer(b'\\1' + bytes(7) + b'hello'), 5, 0)",
    )
    [semaphores] = agent.wait("sysv_sem", key=key)
    assert (semaphores["nsems"], semaphores["mode"]) == (3, 0o620)
    [queue] = agent.wait("sysv_msg", key=key)
    assert (queue["qnum"], queue["cbytes"], queue["lspid"], queue["lrpid"], queue["mode"]) == (1, 5, sender, 0, 0o622)
    assert remove(agent, "sysv_sem", semaphores["id"])
    assert remove(agent, "sysv_msg", queue["id"])
    assert agent.wait("sysv_msg", {"max": 0}, key=key) == []


def test_shared_memory_tells_who_maps_it_and_who_has_it_open(agent: AgentInside) -> None:
    name = f"/ipclab-{secrets.token_hex(4)}"
    make = f"import mmap\nfd = os.open('/dev/shm{name}', os.O_RDWR | os.O_CREAT, 0o640)\nos.ftruncate(fd, 100)\n"
    mapper = hold(agent, f"{make}memory = mmap.mmap(fd, 100)\nos.close(fd)")
    opener = hold(agent, make)
    private = hold(agent, f"{make}memory = mmap.mmap(fd, 100, mmap.MAP_PRIVATE)")
    [fact] = agent.wait("posix_shm", name=name)
    assert (fact["size"], fact["mode"], fact["uid"], fact["nlink"]) == (100, 0o640, os.getuid(), 1)
    # mmap(2) of Python keeps a descriptor of its own
    assert (fact["mapped"], sorted(fact["open"])) == ([mapper], sorted((mapper, opener, private)))
    assert (SHM / name[1:]).stat().st_ino == fact["ino"]
    assert remove(agent, "posix_shm", name)
    assert not remove(agent, "posix_shm", name)


def test_a_named_semaphore_tells_its_value_and_who_waits(agent: AgentInside) -> None:
    name = f"/ipclab-{secrets.token_hex(4)}"
    make = f"sem = ctypes.c_void_p(libc.sem_open(b'{name}', os.O_CREAT, 0o600, 2))\n"
    holder = hold(agent, f"{make}libc.sem_wait(sem)")
    [fact] = agent.wait("posix_sem", name=name)
    assert (fact["value"], fact["waiters"], fact["mapped"], fact["size"]) == (1, 0, [holder], 32)
    waiter = agent.spawn(*python(f"{LIBC}{make}libc.sem_wait(sem); libc.sem_wait(sem)"))
    [fact] = agent.wait("posix_sem", name=name, waiters=1)
    assert (fact["value"], sorted(fact["mapped"])) == (0, sorted((holder, waiter["pid"])))
    [blocked] = agent.wait("process", None, **{"pid": waiter["pid"], "syscall.name": "futex"})
    assert blocked["syscall"]["target"].startswith("/dev/shm/sem.")
    assert remove(agent, "posix_sem", name)


def test_a_file_that_is_no_semaphore_has_no_value(agent: AgentInside) -> None:
    path = SHM / f"sem.ipclab-{secrets.token_hex(4)}"
    path.write_bytes(b"short")
    try:
        [fact] = agent.wait("posix_sem", name="/" + path.name.removeprefix("sem."))
        assert (fact["value"], fact["waiters"]) == (None, None)
    finally:
        path.unlink()


def test_the_two_names_of_one_object_have_the_same_users(agent: AgentInside) -> None:
    names = [f"ipclab-{secrets.token_hex(4)}" for _ in range(2)]
    opener = hold(
        agent,
        f"fd = os.open('/dev/shm/{names[0]}', os.O_RDWR | os.O_CREAT)\n"
        f"os.link('/dev/shm/{names[0]}', '/dev/shm/{names[1]}')",
    )
    for name in names:
        [fact] = agent.wait("posix_shm", name=f"/{name}", nlink=2)
        assert fact["open"] == [opener]
    assert all(remove(agent, "posix_shm", f"/{name}") for name in names)


@pytest.mark.skipif(
    Path("/dev/mqueue").stat().st_dev == Path("/dev").stat().st_dev if Path("/dev/mqueue").exists() else True,
    reason="the file system of message queues is not mounted on /dev/mqueue",
)
def test_a_message_queue_tells_what_is_in_it(agent: AgentInside) -> None:
    name = f"/ipclab-{secrets.token_hex(4)}"
    opener = hold(
        agent,
        f"queue = libc.mq_open(b'{name}', os.O_RDWR | os.O_CREAT, 0o620, (ctypes.c_long * 8)(0, 5, 64))\n"
        "libc.mq_send(queue, b'hello', 5, 1)",
    )
    [fact] = agent.wait("posix_mq", name=name)
    assert (fact["maxmsg"], fact["msgsize"], fact["curmsgs"], fact["qsize"]) == (5, 64, 1, 5)
    assert (fact["open"], fact["notify"], fact["notify_pid"]) == ([opener], 0, 0)
    assert remove(agent, "posix_mq", name)


@pytest.mark.parametrize("path", ["{folder}/f", "f", "./../{name}//f"])
def test_who_waits_in_open_of_a_fifo_is_told(agent: AgentInside, folder: Path, path: str) -> None:
    os.mkfifo(folder / "f", 0o640)
    path = path.format(folder=folder, name=folder.name)
    started = agent.spawn("sh", "-c", f"exec < {path}", cwd=str(folder))
    [fact] = agent.wait("fifo", path=f"{folder}/f", waiting=[started["pid"]])
    assert (stat.S_IMODE(fact["mode"]), fact["readers"], fact["writers"]) == (0o640, [], [])
    [process] = agent.wait("process", pid=started["pid"])
    assert process["syscall"]["path"] == f"{folder}/f"
    assert process["syscall"]["name"] in ("open", "openat")


def test_a_thread_that_waits_in_open_counts(agent: AgentInside, folder: Path) -> None:
    os.mkfifo(folder / "f")
    script = f"import threading\nthreading.Thread(target=open, args=('{folder}/f', 'wb')).start()"
    pid = hold(agent, script)
    agent.wait("fifo", path=f"{folder}/f", waiting=[pid])


def test_who_holds_which_end_of_a_fifo_is_told(agent: AgentInside, folder: Path) -> None:
    os.mkfifo(folder / "f")
    reader = agent.spawn("sh", "-c", f"exec < {folder}/f; sleep 1000")
    writer = agent.spawn("sh", "-c", f"exec > {folder}/f; sleep 1000")
    both = agent.spawn("sh", "-c", f"exec 3<> {folder}/f; exec sleep 1000")
    for end, holder in (("readers", reader), ("writers", writer), ("readers", both), ("writers", both)):
        [fact] = agent.wait("fifo", path=f"{folder}/f", **{end: {"contains": holder["pid"]}})
    assert writer["pid"] not in fact["readers"]
    assert reader["pid"] not in fact["writers"]


def test_a_pipe_between_processes_tells_both_ends(agent: AgentInside) -> None:
    script = (
        "r, w = os.pipe()\nchild = os.fork()\nif child:\n    os.close(r)\nelse:\n    os.close(w)\n    os.read(r, 1)\n"
    )
    writer = hold(agent, script)
    [reader] = agent.wait("process", None, **{"ppid": writer, "syscall.name": "read"})
    [fact] = agent.wait("pipe", readers=[reader["pid"]], writers=[writer])
    assert reader["syscall"]["target"] == f"pipe:[{fact['ino']}]"
    assert reader["syscall"]["fd"] in [fd["fd"] for fd in reader["fds"] if fd["kind"] == "pipe" and fd["mode"] == "r"]


SERVER = """
import socket
server = socket.socket(socket.AF_UNIX)
os.umask(0o027)
server.bind({path!r})
server.listen(7)
client = socket.socket(socket.AF_UNIX)
client.connect({path!r})
waiting = socket.socket(socket.AF_UNIX)
end, _ = server.accept()
waiting.connect({path!r})
client.send(b"hello")
"""


@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
def test_a_unix_socket_tells_its_file_its_peer_and_what_waits(agent: AgentInside, folder: Path, relative: bool) -> None:
    path = str(folder / "s")
    pid = hold(agent, SERVER.format(path="s" if relative else path), cwd=str(folder))
    [listener] = agent.wait("unix_socket", path=path, state="listen")
    assert (listener["type"], listener["pids"], listener["backlog"], listener["recv_queue"]) == ("stream", [pid], 7, 1)
    assert listener["file"] == {"mode": 0o750, "uid": os.getuid(), "gid": os.getgid()}
    assert listener["peer"] is None
    [end] = agent.wait("unix_socket", path=path, state="established")
    assert (end["recv_queue"], end["pids"], end["backlog"]) == (5, [pid], None)
    [client] = agent.wait("unix_socket", ino=end["peer"])
    assert (client["peer"], client["path"], client["file"]) == (end["ino"], "", None)
    assert agent.call("facts", kind="socket_file").fact["bound"] is True
    agent.call("kill", all=True)
    left = agent.call("facts", kind="socket_file").fact
    assert (left["path"], left["mode"], left["bound"]) == (path, 0o750, False)
    assert remove(agent, "socket_file", path)


def test_a_socket_file_that_was_replaced_is_not_the_sockets(agent: AgentInside, folder: Path) -> None:
    path = str(folder / "s")
    first = hold(agent, f"import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind({path!r})\nos.unlink({path!r})")
    second = hold(agent, f"import socket\ns = socket.socket(socket.AF_UNIX)\ns.bind({path!r})")
    held = {fact["pids"][0]: fact["file"] for fact in agent.wait("unix_socket", {"min": 2}, path=path)}
    assert held[first] is None
    assert held[second] is not None


def test_abstract_names_and_other_types_are_told(agent: AgentInside) -> None:
    name = f"ipclab-{secrets.token_hex(4)}"
    pid = hold(
        agent,
        f"import socket\na = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\na.bind('\\0{name}')\n"
        f"b = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\nb.bind('\\0{name}-2')\nb.listen(1)",
    )
    [datagram] = agent.wait("unix_socket", path=f"@{name}")
    assert (datagram["type"], datagram["state"], datagram["pids"]) == ("dgram", "unconnected", [pid])
    [packets] = agent.wait("unix_socket", path=f"@{name}-2")
    assert (packets["type"], packets["state"]) == ("seqpacket", "listen")


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    ("family", "name", "ip"),
    [
        (4, "AF_INET", "127.0.0.1"),
        pytest.param(6, "AF_INET6", "::1", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")),
    ],
)
def test_tcp_sockets_tell_addresses_state_and_queues(agent: AgentInside, family: int, name: str, ip: str) -> None:
    pid = hold(
        agent,
        f"import socket\nserver = socket.create_server(({ip!r}, 0), family=socket.{name}, backlog=3)\n"
        "a = socket.create_connection(server.getsockname()[:2])\nend, _ = server.accept()\n"
        "b = socket.create_connection(server.getsockname()[:2])\na.send(b'abc')",
    )
    [listener] = agent.wait("tcp", state="listen", pids=[pid])
    assert (listener["family"], listener["local"]["ip"], listener["backlog"], listener["recv_queue"]) == (
        family,
        ip,
        3,
        1,
    )
    assert listener["remote"]["port"] == 0
    assert listener["uid"] == os.getuid()
    port = listener["local"]["port"]
    [end] = agent.wait("tcp", None, **{"state": "established", "local.port": port, "recv_queue": 3})
    [client] = agent.wait("tcp", None, **{"local.port": end["remote"]["port"]})
    assert (client["remote"], client["pids"], client["backlog"]) == ({"ip": ip, "port": port}, [pid], None)


def test_a_closed_connection_waits_without_an_owner(agent: AgentInside) -> None:
    hold(
        agent,
        "import socket\nserver = socket.create_server(('127.0.0.1', 0))\nport = server.getsockname()[1]\n"
        "a = socket.create_connection(server.getsockname())\nend, _ = server.accept()\na.close()\nend.close()",
    )
    [fact, *_] = agent.wait("tcp", state="time_wait")
    assert (fact["ino"], fact["pids"]) == (0, [])


def test_udp_sockets_are_facts(agent: AgentInside) -> None:
    pid = hold(
        agent,
        "import socket\na = socket.socket(type=socket.SOCK_DGRAM)\na.bind(('127.0.0.1', 0))\n"
        "b = socket.socket(type=socket.SOCK_DGRAM)\nb.connect(a.getsockname())\nb.send(b'abc')",
    )
    [connected] = agent.wait("udp", pids=[pid], state="established")
    [bound] = agent.wait("udp", pids=[pid], state="unconnected")
    assert connected["remote"] == bound["local"]
    assert bound["local"]["ip"] == "127.0.0.1"
    assert bound["recv_queue"] > 0


def test_the_switches_of_all_threads_count(agent: AgentInside) -> None:
    napping = "def nap():\n    for _ in range(100):\n        time.sleep(0.001)\n    time.sleep(1000)\n"
    start = "import threading\n" + napping + "threading.Thread(target=nap, daemon=True).start()\n"
    pid = hold(agent, start)
    [fact] = agent.wait("process", None, pid=pid, state="S", voluntary_switches={"ge": 100})
    assert fact["threads"] == 2


def test_a_process_is_told_as_a_whole(agent: AgentInside, folder: Path) -> None:
    pid = hold(
        agent,
        "import mmap, signal, threading\nmemory = mmap.mmap(-1, 8192)\nsignal.signal(signal.SIGTERM, lambda *_: None)\n"
        "signal.signal(signal.SIGUSR2, signal.SIG_IGN)\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
        f"os.kill(os.getpid(), signal.SIGUSR1)\nos.set_blocking(0, True)\nf = open('{folder}/file', 'w')\n"
        "threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\nq = os.eventfd(0)\n",
        name="whole",
    )
    [fact] = agent.wait(
        "process", None, **{"pid": pid, "state": "S", "syscall.name": {"in": ["clock_nanosleep", "select", "pselect6"]}}
    )
    assert (fact["ppid"], fact["pgid"], fact["sid"]) == (agent.process.pid, pid, pid)
    assert (fact["uid"], fact["gid"]) == (os.getuid(), os.getgid())
    assert (fact["threads"], fact["ours"], fact["here"]) == (2, True, True)
    assert fact["exe"] == os.path.realpath("/proc/self/exe")
    assert fact["argv"][1:4] == ["-I", "-S", "-c"]
    assert fact["comm"].startswith("python")
    assert fact["proc"] >= 1
    assert fact["utime_s"] + fact["stime_s"] >= 0
    signals = fact["sig"]
    assert signal.SIGUSR1 in signals["pending"]
    assert signal.SIGUSR1 in signals["blocked"]
    assert signal.SIGUSR2 in signals["ignored"]
    assert signal.SIGTERM in signals["caught"]
    kinds = {(descriptor["kind"], descriptor["mode"]) for descriptor in fact["fds"]}
    assert {("char", "r"), ("pipe", "w"), ("file", "w"), ("anon", "rw")} <= kinds
    [file] = [one for one in fact["fds"] if one["kind"] == "file"]
    assert (file["target"], file["ino"]) == (f"{folder}/file", (folder / "file").stat().st_ino)
    assert any(one["size"] == 8192 and one["perms"].endswith("s") for one in fact["maps"])


def test_infrastructure_is_in_no_fact_unless_it_is_asked_for(agent: AgentInside) -> None:
    pids = {fact["pid"] for fact in agent.call("facts", kind="process").facts}
    assert not {1, 2, agent.process.pid} & pids
    assert agent.call("facts", kind="process", match={"pid": agent.process.pid}).fact["ours"] is False


def test_namespaces_are_the_kernels_numbers(agent: AgentInside) -> None:
    pid = hold(agent, "")
    fact = agent.call("facts", kind="namespaces", match={"pid": pid}).fact
    for name, field in (("ipc", "ipc"), ("net", "net"), ("pid", "pid_ns"), ("mnt", "mnt"), ("uts", "uts")):
        assert fact[field] == Path(f"/proc/self/ns/{name}").stat().st_ino


def test_a_file_is_told_by_its_path(agent: AgentInside, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("abc")
    (tmp_path / "file").chmod(0o4710)
    (tmp_path / "link").symlink_to("file")
    fact = agent.call("facts", kind="file", match={"path": str(tmp_path / "file")}).fact
    assert (fact["type"], fact["size"], fact["mode"], fact["target"]) == ("file", 3, 0o4710, None)
    link = agent.call("facts", kind="file", match={"path": str(tmp_path / "link")}).fact
    assert (link["type"], link["target"]) == ("link", "file")
    assert agent.call("facts", kind="file", match={"path": str(tmp_path / "none")}).facts == []
    assert agent.call("facts", kind="file", match={"path": str(tmp_path / "file" / "none")}).facts == []
    assert agent.call("facts", kind="file", match={"path": str(tmp_path / "file"), "size": {"ge": 4}}).facts == []


def test_a_wait_ends_when_its_condition_comes_true(agent: AgentInside, folder: Path) -> None:
    question = agent.send("wait", kind="fifo", match={}, count={"min": 2, "max": 2}, timeout_s=20)
    for name in ("a", "b"):
        os.mkfifo(folder / name)
    answer = agent.receive().header
    assert answer["id"] == question
    assert {fact["path"] for fact in answer["ok"]["facts"]} == {f"{folder}/a", f"{folder}/b"}


def test_a_wait_in_vain_tells_how_things_stood(agent: AgentInside, folder: Path) -> None:
    os.mkfifo(folder / "a")
    with pytest.raises(Refused) as refused:
        agent.call("wait", kind="fifo", match={}, count={"min": 2}, timeout_s=0.02)
    assert refused.value.kind == "timeout"
    assert [fact["path"] for fact in refused.value.error["facts"]] == [f"{folder}/a"]
    snapshot = refused.value.error["snapshot"]
    assert snapshot["fifo"] == refused.value.error["facts"]
    assert {"sysv_shm", "process", "tcp"} <= snapshot.keys()


def test_a_wait_without_time_looks_once(agent: AgentInside) -> None:
    assert agent.call("wait", kind="fifo", match={}, count={"max": 0}, timeout_s=0).facts == []


def test_a_snapshot_has_the_kinds_that_were_asked_for(agent: AgentInside) -> None:
    assert agent.call("snapshot", kinds=["fifo", "tcp"])["facts"].keys() == {"fifo", "tcp"}
    everything = agent.call("snapshot")
    assert "file" not in everything["facts"]
    assert {"sysv_shm", "posix_mq", "fifo", "unix_socket", "udp", "process", "namespaces"} <= everything["facts"].keys()
    assert everything["unavailable"] == {}


def test_facts_have_the_fields_that_can_be_matched(agent: AgentInside, folder: Path, key: int) -> None:
    os.mkfifo(folder / "f")
    hold(agent, f"libc.semget({key}, 1, 0o1600)\nlibc.msgget({key}, 0o1600)\nlibc.shmget({key}, 1, 0o1600)\n"
                + SERVER.format(path=str(folder / "s")))  # fmt: skip
    snapshot = agent.call("snapshot")["facts"]
    for kind, facts in snapshot.items():
        for fact in facts[:1]:
            with pytest.raises(Refused) as refused:
                agent.call("facts", kind=kind, match={"no such field": 1})
            fields = str(refused.value).rpartition(" it has ")[2].split(", ")
            assert sorted(fields) == sorted(fact), kind
    for kind in ("sysv_shm", "sysv_sem", "sysv_msg"):
        [fact] = agent.call("facts", kind=kind, match={"key": key}).facts
        assert remove(agent, kind, fact["id"])


def test_an_answer_that_is_too_long_is_cut_and_says_so(agent: AgentInside, folder: Path) -> None:
    deep = folder
    for _ in range(15):
        deep = deep / ("d" * 255)
        deep.mkdir()
    for number in range(1500):
        os.mkfifo(deep / str(number))
    try:
        answer = agent.call("facts", kind="fifo")
        assert (answer["truncated"], len(answer.facts)) == (True, 750)
        snapshot = agent.call("snapshot")
        assert snapshot["truncated"] == ["fifo"]
        with pytest.raises(Refused) as refused:
            agent.call("wait", kind="fifo", match={}, count={"max": 0}, timeout_s=0)
        assert refused.value.error["truncated"]
    finally:
        assert remove(agent, "file", str(folder / ("d" * 255)))


def test_a_folder_without_end_is_not_walked_to_its_end(agent: AgentInside, folder: Path) -> None:
    (folder / "crowd").mkdir()
    for number in range(10_001):
        os.close(os.open(folder / "crowd" / str(number), os.O_CREAT))
    try:
        assert agent.call("facts", kind="fifo")["truncated"] is True
    finally:
        assert remove(agent, "file", str(folder / "crowd"))


def test_names_that_are_no_utf8_are_told_and_can_be_removed(agent: AgentInside, folder: Path) -> None:
    os.mkfifo(os.fsencode(folder) + b"/\xff\n")
    path = agent.call("facts", kind="fifo").fact["path"]
    assert path == f"{folder}/\udcff\n"
    assert remove(agent, "fifo", path)


def test_entries_of_any_type_are_told_and_what_is_in_them_is_not(agent: AgentInside, folder: Path) -> None:
    (folder / "file").touch(mode=0o600)
    (folder / "link").symlink_to("nowhere")
    (folder / "dir").mkdir(mode=0o700)
    (folder / "dir" / "inside").touch()
    os.mkfifo(folder / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(folder / "socket"))
    try:
        found = {Path(fact["path"]).name: fact for fact in agent.call("facts", kind="entry").facts}
        assert {name: fact["type"] for name, fact in found.items()} == {name: name for name in found}
        assert found.keys() == {"file", "link", "dir", "fifo", "socket"}
        assert (found["file"]["mode"], found["dir"]["mode"], found["dir"]["uid"]) == (0o600, 0o700, os.getuid())
        assert found["file"]["ino"] == (folder / "file").stat().st_ino
    finally:
        assert remove(agent, "entry", str(folder / "dir"))


def test_a_process_has_stopped_when_all_of_its_threads_have(agent: AgentInside, folder: Path) -> None:
    os.mkfifo(folder / "f")
    # Who forks with vfork(2) does not stop until the child executes, and this one waits for the FIFO's other end first.
    opens = f"file_actions=[(os.POSIX_SPAWN_OPEN, 0, '{folder}/f', os.O_RDONLY, 0)]"
    forking = f"threading.Thread(target=lambda: os.posix_spawn('/bin/true', ['true'], {{}}, {opens})).start()\n"
    pid = agent.spawn(*python("import os, threading, time\n" + forking + "time.sleep(1000)"))["pid"]
    agent.wait("process", None, **{"ppid": pid, "state": "S", "syscall.name": {"in": ["open", "openat"]}})
    os.kill(pid, signal.SIGSTOP)
    [fact] = agent.wait("process", None, pid=pid, state="D")
    assert (fact["threads"], Path(f"/proc/{pid}/stat").read_text().split()[2]) == (2, "T")
    (folder / "f").write_bytes(b"")
    agent.wait("process", None, pid=pid, state="T")
