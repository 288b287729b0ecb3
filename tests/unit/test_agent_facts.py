"""Facts: made from the agent's fields, told in words, compared, removed; and snapshots of them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from orchestrator.agent.fact import Fact
from orchestrator.agent.facts import KINDS, Process, Snapshot, SysvShm

SYSV = {"key": 5678, "id": 3, "mode": 0o660, "uid": 1000, "gid": 1001, "cuid": 1000, "cgid": 1000, "ctime": 1}
FILE = {"mode": 0o660, "uid": 1000, "gid": 1001, "dev": 39, "ino": 2}
SHM = {**SYSV, "size": 27, "nattch": 1, "cpid": 7, "lpid": 8, "attached": [7]}
INTERNET = {
    "family": 4, "local": {"ip": "10.11.0.2", "port": 5678}, "remote": {"ip": "0.0.0.0", "port": 0}, "state": "listen",
    "recv_queue": 0, "send_queue": 0, "backlog": 5, "ino": 77, "uid": 1000, "pids": [7],
}  # fmt: skip
CONNECTED = {**INTERNET, "state": "established", "remote": {"ip": "10.11.0.3", "port": 40000}, "backlog": None}
PROCESS = {
    "pid": 12, "ppid": 1, "pgid": 12, "sid": 12, "uid": 1000, "gid": 1000, "comm": "server", "argv": ["./server", "9"],
    "exe": "/build/server", "state": "S", "threads": 1, "utime_s": 0.25, "stime_s": 0.5, "voluntary_switches": 1,
    "involuntary_switches": 2, "start_ticks": 99, "wchan": None,
    "syscall": {"name": "read", "number": 0, "args": [3, 1, 2], "fd": 3, "target": "pipe:[5]"},
    "fds": [{"fd": 3, "target": "pipe:[5]", "mode": "r", "kind": "pipe", "ino": 5, "dev": 0}],
    "maps": [{"target": "/dev/shm/x", "perms": "rw-s", "dev": 39, "ino": 2, "start": 4096, "size": 8192}],
    "sig": {"pending": [], "blocked": [2], "ignored": [], "caught": [15]}, "proc": 1, "ours": True, "here": True,
}  # fmt: skip

EXAMPLES: list[tuple[str, dict[str, Any], str, object]] = [
    (
        "sysv_shm",
        SHM,
        "System V segment key 0x162e (5678), 27 bytes, mode 0660, 1 attached, made by pid 7",
        3,
    ),
    (
        "sysv_shm",
        {**SHM, "key": -1, "dest": True, "size": 1},
        "System V segment key 0xffffffff (-1), 1 byte, mode 0660, 1 attached, made by pid 7, marked for removal",
        3,
    ),
    (
        "sysv_sem",
        {**SYSV, "key": 0, "nsems": 2},
        "System V semaphore set id 3 without a key, 2 semaphores, mode 0660",
        3,
    ),
    (
        "sysv_msg",
        {**SYSV, "qnum": 2, "cbytes": 40, "lspid": 7, "lrpid": 0},
        "System V message queue key 0x162e (5678), 2 messages of 40 bytes, mode 0660",
        3,
    ),
    (
        "posix_shm",
        {**FILE, "name": "/l\x1bab", "size": 27, "nlink": 1, "mapped": [7, 8], "open": []},
        r"POSIX shared memory /l\x1bab, 27 bytes, mode 0660, mapped by pids 7, 8",
        "/l\x1bab",
    ),
    (
        "posix_sem",
        {**FILE, "name": "/s", "size": 32, "nlink": 1, "value": 1, "waiters": 0, "mapped": []},
        "POSIX semaphore /s, value 1, mode 0660, mapped by nobody",
        "/s",
    ),
    (
        "posix_sem",
        {**FILE, "name": "/s", "value": None, "waiters": None},
        "POSIX semaphore /s, no value, mode 0660, mapped by nobody",
        "/s",
    ),
    (
        "posix_mq",
        {**FILE, "name": "/q", "qsize": 40, "notify": 0, "signo": 0, "notify_pid": 0, "open": [7]},
        "POSIX message queue /q, 40 bytes queued, mode 0660, open in pid 7",
        "/q",
    ),
    (
        "fifo",
        {**FILE, "path": "/ipc/p", "readers": [], "writers": [9], "waiting": []},
        "FIFO /ipc/p, mode 0660, read by nobody, written by pid 9",
        "/ipc/p",
    ),
    (
        "fifo",
        {**FILE, "path": "/ipc/p", "readers": [], "writers": [], "waiting": [9]},
        "FIFO /ipc/p, mode 0660, read by nobody, written by nobody, pid 9 waiting in open()",
        "/ipc/p",
    ),
    ("pipe", {"ino": 5, "readers": [7], "writers": [8]}, "pipe 5, read by pid 7, written by pid 8", None),
    (
        "unix_socket",
        {
            "path": "/ipc/s", "ino": 5, "type": "stream", "state": "listen", "peer": None, "uid": 1000, "pids": [7],
            "backlog": 5, "recv_queue": 0, "send_queue": 0, "file": {"mode": 0o660, "uid": 1000, "gid": 1000},
        },
        "Unix stream socket /ipc/s, listen, held by pid 7",
        None,
    ),
    ("socket_file", {**FILE, "path": "/ipc/s", "bound": True}, "socket file /ipc/s, mode 0660", "/ipc/s"),
    (
        "socket_file",
        {**FILE, "path": "/ipc/s", "bound": False},
        "socket file /ipc/s, mode 0660, no socket is bound to it",
        "/ipc/s",
    ),
    ("tcp", INTERNET, "TCP socket 10.11.0.2:5678, listen, held by pid 7", None),
    (
        "tcp",
        {**CONNECTED, "family": 6, "local": {"ip": "fd00::2", "port": 1}},
        "TCP [fd00::2]:1 to 10.11.0.3:40000, established, 0 bytes unread, held by pid 7",
        None,
    ),
    ("udp", {**INTERNET, "state": "unconnected"}, "UDP socket 10.11.0.2:5678, unconnected, held by pid 7", None),
    ("process", PROCESS, "process 12 `./server 9`, sleeping, child of 1", None),
    (
        "process",
        {**PROCESS, "argv": [], "state": "Z"},
        "process 12 `[server]`, ended, not waited for, child of 1",
        None,
    ),
    (
        "file",
        {**FILE, "path": "/etc/motd", "type": "file", "size": 0, "mtime": 1.5, "target": None},
        "file /etc/motd, 0 bytes, mode 0660",
        "/etc/motd",
    ),
    (
        "entry",
        {**FILE, "path": "/tmp/x", "type": "file"},
        "file /tmp/x, mode 0660",
        "/tmp/x",
    ),
    (
        "entry",
        {**FILE, "path": "/tmp/\x1bx", "type": "dir", "mode": 0},
        r"folder /tmp/\x1bx, mode 0000",
        "/tmp/\x1bx",
    ),
    (
        "namespaces",
        {"pid": 7, "ipc": 1, "net": 2, "pid_ns": 3, "mnt": 4, "uts": 5, "user": None, "cgroup": None},
        "pid 7 in ipc:[1] net:[2] pid:[3] mnt:[4]",
        None,
    ),
    (
        "limits",
        {"forks_refused": 1, "oom_kills": None},
        "limits met: 1 refused fork, 0 kills for memory",
        None,
    ),
]  # fmt: skip


def made(kind: str, values: dict[str, Any]) -> Fact:
    return KINDS[kind].from_fields(values)


@pytest.mark.parametrize(("kind", "values", "words", "handle"), EXAMPLES)
def test_a_fact_is_told_in_words(kind: str, values: dict[str, Any], words: str, handle: object) -> None:
    assert made(kind, values).describe() == words


@pytest.mark.parametrize(("kind", "values", "words", "handle"), EXAMPLES)
def test_fields_that_nobody_knows_are_ignored(kind: str, values: dict[str, Any], words: str, handle: object) -> None:
    assert made(kind, {**values, "new in version 2": {}}) == made(kind, values)


@pytest.mark.parametrize(("kind", "values", "words", "handle"), EXAMPLES)
def test_a_fact_and_its_identity_can_be_in_a_set(kind: str, values: dict[str, Any], words: str, handle: object) -> None:
    fact = made(kind, values)
    assert len({fact, made(kind, values)}) == len({fact.identity, made(kind, values).identity}) == 1


@pytest.mark.parametrize(("kind", "values", "words", "handle"), EXAMPLES)
def test_what_lasts_can_be_removed_as_its_owner(kind: str, values: dict[str, Any], words: str, handle: object) -> None:
    removal = made(kind, values).removal()
    assert removal == (handle and {"kind": kind, "identity": handle, "uid": 1000, "gid": 1001})


def test_there_is_an_example_of_every_kind() -> None:
    assert {kind for kind, *_ in EXAMPLES} == set(KINDS)


def test_a_snapshot_has_an_attribute_for_every_kind() -> None:
    attributes = {attribute.name for attribute in fields(Snapshot)}
    assert attributes - {"truncated", "unavailable"} == set(KINDS) - {"file"}


def test_a_process_is_typed_to_its_last_field() -> None:
    process = Process.from_fields(PROCESS)
    assert process.syscall is not None
    assert (process.syscall.name, process.syscall.path, process.syscall.target) == ("read", None, "pipe:[5]")
    assert process.fds[0].mode == "r"
    assert process.sig is not None
    assert process.sig.caught == (15,)
    assert 4096 + 8191 in process.maps[0]
    assert 4096 + 8192 not in process.maps[0]
    assert process.cpu_s == 0.75
    assert Process.from_fields({**PROCESS, "syscall": None, "sig": None}).syscall is None


def test_an_object_that_was_made_again_is_another_one() -> None:
    fifo = {**FILE, "path": "/ipc/p", "readers": [], "writers": [], "waiting": []}
    assert made("fifo", fifo).identity != made("fifo", {**fifo, "ino": 3}).identity
    assert made("sysv_shm", SHM).identity != made("sysv_shm", {**SHM, "key": 9}).identity
    assert made("sysv_shm", SHM).identity == made("sysv_shm", {**SHM, "nattch": 0, "attached": []}).identity
    assert made("process", PROCESS).identity != made("process", {**PROCESS, "start_ticks": 100}).identity


def snapshot(**kinds: list[dict[str, Any]]) -> Snapshot:
    return Snapshot.from_fields(kinds)


def test_a_snapshot_finds_processes_and_kinds() -> None:
    seen = snapshot(process=[PROCESS], sysv_shm=[SHM], unheard_of=[{}], file=[{}])
    assert seen.by_pid(12) is seen.process[0]
    assert seen.by_pid(13) is None
    assert seen.of(SysvShm) is seen.sysv_shm
    assert [fact.kind for fact in seen] == ["sysv_shm", "process"]


def test_what_was_there_before_is_not_new() -> None:
    fifo = {**FILE, "path": "/ipc/p", "readers": [], "writers": [], "waiting": []}
    before = snapshot(sysv_shm=[SHM], fifo=[fifo])
    after = snapshot(sysv_shm=[{**SHM, "nattch": 0, "attached": []}, {**SHM, "id": 4}], fifo=[{**fifo, "ino": 3}])
    assert [fact.identity for fact in after.new_since(before)] == [
        ("sysv_shm", 4, 5678),
        ("fifo", "/ipc/p", 39, 3),
    ]
    assert before.new_since(before) == ()


def test_files_that_no_other_fact_tells_of_are_new_where_nothing_was() -> None:
    def entry(path: str, ino: int, kind: str = "file") -> dict[str, Any]:
        return {**FILE, "path": path, "type": kind, "ino": ino}

    before = snapshot(entry=[entry("/tmp/there", 3), entry("/tmp/written anew", 4), entry("/tmp/gone", 5)])
    after = snapshot(
        entry=[
            entry("/tmp/there", 3), entry("/tmp/written anew", 6), entry("/tmp/new", 5), entry("/ipc/folder", 8, "dir"),
            entry("/tmp/link", 9, "link"), entry("/ipc/p", 10, "fifo"), entry("/ipc/s", 11, "socket"),
            entry("/dev/shm/lab", 12), entry("/dev/shm/sem.s", 13),
        ],
        fifo=[{**FILE, "path": "/ipc/p", "ino": 10}],
        socket_file=[{**FILE, "path": "/ipc/s", "ino": 11, "bound": False}],
        posix_shm=[{**FILE, "name": "/lab", "ino": 12, "size": 1, "nlink": 1}],
        posix_sem=[{**FILE, "name": "/s", "ino": 13, "value": 1}],
    )  # fmt: skip
    assert [entry.path for entry in after.files_since(before)] == ["/tmp/new", "/ipc/folder", "/tmp/link"]
    assert after.files_since(after) == ()


@pytest.mark.parametrize(
    ("kind", "values", "left"),
    [
        ("tcp", INTERNET, True),
        ("tcp", {**INTERNET, "pids": [99]}, False),
        ("tcp", CONNECTED, False),
        ("tcp", {**CONNECTED, "state": "time_wait", "pids": []}, False),
        ("udp", {**INTERNET, "state": "unconnected"}, True),
        ("unix_socket", {"path": "/s", "ino": 5, "type": "stream", "state": "listen", "peer": None, "pids": [7]}, True),
        (
            "unix_socket",
            {"path": "", "ino": 5, "type": "stream", "state": "established", "peer": 6, "pids": [7]},
            False,
        ),
        ("pipe", {"ino": 5, "readers": [7], "writers": [7]}, False),
        ("namespaces", {"pid": 7, "ipc": 1, "net": 2, "pid_ns": 3, "mnt": 4}, False),
        ("process", {**PROCESS, "pid": 13, "ours": False}, False),
        ("process", {**PROCESS, "pid": 13}, True),
    ],
)
def test_only_what_lasts_or_occupies_is_left_over(kind: str, values: dict[str, Any], left: bool) -> None:
    holder = {**PROCESS, "pid": 7}
    before = snapshot(process=[holder, {**PROCESS, "pid": 99, "ours": False}])
    found = {"process": [holder, {**PROCESS, "pid": 99, "ours": False}]}
    found.setdefault(kind, [])
    found[kind] = [*found[kind], values]
    assert bool(snapshot(**found).new_since(before)) is left
