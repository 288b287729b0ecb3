"""Where processes are blocked, in sentences, from snapshots that real programs gave rise to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from orchestrator.agent.snapshot import Snapshot
from orchestrator.checks.diagnosis import diagnose

NAMES = {7: "reader", 8: "writer"}
FILE = {"mode": 0o660, "uid": 1000, "gid": 1000, "dev": 39, "ino": 2}
SYSV = {"mode": 0o660, "uid": 1000, "gid": 1000, "cuid": 1000, "cgid": 1000, "ctime": 1}
O_WRONLY = 1


def process(pid: int, call: str | None = None, *args: int, **fields: Any) -> dict[str, Any]:
    """A process that sleeps in a system call, or runs when there is none."""
    about = {name: fields.pop(name) for name in ("path", "fd", "target") if name in fields}
    syscall = None if call is None else {"name": call, "number": 0, "args": list(args), **about}
    return {
        "pid": pid, "ppid": 1, "pgid": pid, "sid": pid, "uid": 1000, "gid": 1000, "comm": "prog", "argv": ["./prog"],
        "exe": "/build/prog", "state": "S" if call else "R", "threads": 1, "utime_s": 0.0, "stime_s": 0.0,
        "start_ticks": pid, "syscall": syscall, "proc": pid, "ours": True, **fields,
    }  # fmt: skip


def fifo(path: str, *, ino: int = 2, **ends: list[int]) -> dict[str, Any]:
    return {**FILE, "path": path, "ino": ino, "readers": [], "writers": [], "waiting": [], **ends}


def tcp(ino: int, local: str, remote: str, state: str = "established", **fields: Any) -> dict[str, Any]:
    def endpoint(text: str) -> dict[str, object]:
        ip, port = text.rsplit(":", 1)
        return {"ip": ip, "port": int(port)}

    return {
        "family": 4, "local": endpoint(local), "remote": endpoint(remote), "state": state, "ino": ino, "uid": 1000,
        "recv_queue": 0, "send_queue": 0, "backlog": None, "pids": [], **fields,
    }  # fmt: skip


def unix(ino: int, **fields: Any) -> dict[str, Any]:
    connected = {"path": "", "type": "stream", "state": "established", "peer": None, "pids": []}
    return {"ino": ino, **connected, **fields}


def said(
    *processes: dict[str, Any], names: Mapping[int, str] = NAMES, waited_s: float | None = None, **kinds: Any
) -> list[str]:
    """The sentences about the programs of which there is a process."""
    pids = {one["pid"] for one in processes}
    known = {pid: name for pid, name in names.items() if pid in pids}
    return list(diagnose(Snapshot.from_fields({"process": processes, **kinds}), known, waited_s=waited_s))


# Opening, reading and writing of pipes and FIFOs


@pytest.mark.parametrize(
    ("call", "args", "ends", "words"),
    [
        ("openat", (0, 0, 0), {}, "for reading; no process has it open for writing"),
        ("openat", (0, 0, O_WRONLY), {}, "for writing; no process has it open for reading"),
        ("open", (0, O_WRONLY), {}, "for writing; no process has it open for reading"),
        ("openat", (0, 0, O_WRONLY), {"readers": [8]}, "for writing; writer has it open for reading"),
    ],
)
def test_open_of_a_fifo_waits_for_the_other_end(
    call: str, args: tuple[int, ...], ends: dict[str, list[int]], words: str
) -> None:
    sentences = said(
        process(7, call, *args, path="/ipc/pipe"),
        process(8, "pause"),
        fifo=[fifo("/ipc/pipe", waiting=[7], **ends)],
    )
    assert sentences[0] == f"reader is in open() of /ipc/pipe {words}"


def test_a_relative_path_is_known_by_who_waits_there() -> None:
    (sentence,) = said(process(7, "openat", 0, 0, 0, path="pipe"), fifo=[fifo("/ipc/pipe", waiting=[7])])
    assert sentence == "reader is in open() of /ipc/pipe for reading; no process has it open for writing"


def test_open_of_something_else_names_it_without_its_escapes() -> None:
    assert said(process(7, "openat", 0, 0, 0, path="/x\x1b[2J")) == [r"reader is in open() of /x\x1b[2J"]
    assert said(process(7, "openat", 0, 0, 0)) == ["reader is in open()"]


def test_two_programs_that_open_two_fifos_in_opposite_order_are_told_so() -> None:
    sentences = said(
        process(7, "openat", 0, 0, 0, path="/ipc/a"),
        process(8, "openat", 0, 0, 0, path="/ipc/b"),
        fifo=[fifo("/ipc/a", waiting=[7]), fifo("/ipc/b", ino=3, waiting=[8])],
    )
    assert sentences[-1] == (
        "reader and writer open different FIFOs first (reader /ipc/a, writer /ipc/b): each waits for the other"
    )


def test_two_programs_whose_partner_does_something_else_have_no_order_to_blame() -> None:
    sentences = said(
        process(7, "openat", 0, 0, 0, path="/ipc/a"),
        process(8, "openat", 0, 0, 0, path="/ipc/b"),
        process(9, "pause"),
        names={**NAMES, 9: "server"},
        fifo=[fifo("/ipc/a", waiting=[7]), fifo("/ipc/b", ino=3, waiting=[8])],
    )
    assert len(sentences) == 3


def test_two_programs_in_open_of_the_same_fifo_have_no_order_to_blame() -> None:
    call = ("openat", 0, 0, 0)
    sentences = said(
        process(7, *call, path="/ipc/a"), process(8, *call, path="/ipc/a"), fifo=[fifo("/ipc/a", waiting=[7, 8])]
    )
    assert len(sentences) == 2


@pytest.mark.parametrize(
    ("writers", "words"),
    [
        ([7], "a pipe whose only writer is itself: it has not closed that end"),
        ([8], "a pipe; its writer is writer"),
        ([7, 8], "a pipe; its writer is writer; it holds that end open itself, too"),
        ([8, 9], "a pipe; its writers are writer and child 9 of writer"),
        ([], "a pipe that has no writer"),
    ],
)
def test_read_of_a_pipe_waits_for_its_writers(writers: list[int], words: str) -> None:
    sentences = said(
        process(7, "read", 3, fd=3, target="pipe:[5]"),
        process(8, "pause"),
        process(9, "pause", ppid=8, proc=None),
        pipe=[{"ino": 5, "readers": [7], "writers": writers}],
    )
    assert sentences[0] == f"reader is in read() of {words}"


def test_standard_input_that_the_check_holds_open_is_no_pipe_of_the_students() -> None:
    call = process(7, "read", 0, fd=0, target="pipe:[5]")
    (sentence,) = said(call, pipe=[{"ino": 5, "readers": [7], "writers": []}])
    assert sentence == "reader is in read() of its standard input, whose other end the check holds"


def test_a_full_pipe_names_who_could_read_it() -> None:
    sentences = said(
        process(7, "pause"),
        process(8, "write", 4, fd=4, target="pipe:[5]"),
        pipe=[{"ino": 5, "readers": [7, 8], "writers": [8]}],
    )
    assert sentences[1] == "writer is in write() to a pipe; its reader is reader; it holds that end open itself, too"


def test_an_empty_fifo_is_named_by_its_path() -> None:
    (sentence,) = said(
        process(7, "read", 3, fd=3, target="/ipc/pipe"), fifo=[fifo("/ipc/pipe", readers=[7], writers=[7])]
    )
    assert sentence == "reader is in read() of /ipc/pipe whose only writer is itself: it has not closed that end"


def test_two_that_read_from_each_other_wait_for_each_other() -> None:
    sentences = said(
        process(7, "read", 3, fd=3, target="pipe:[5]"),
        process(8, "read", 3, fd=3, target="pipe:[6]"),
        pipe=[{"ino": 5, "readers": [7], "writers": [8]}, {"ino": 6, "readers": [8], "writers": [7]}],
    )
    assert sentences[-1] == "reader and writer wait for each other"


def test_read_of_another_file_names_it() -> None:
    assert said(process(7, "read", 0, fd=0, target="/dev/tty")) == ["reader is in read() of /dev/tty"]
    assert said(process(7, "read", 0)) == ["reader is in read()"]


# Sockets


def test_accept_says_where_and_that_nobody_is_there() -> None:
    call = process(7, "accept", 3, fd=3, target="socket:[5]")
    listening = tcp(5, "0.0.0.0:5678", "0.0.0.0:0", "listen", pids=[7])
    assert said(call, tcp=[listening]) == ["reader is in accept() on port 5678; nobody is connected"]


def test_accept_counts_the_connections_that_are_open() -> None:
    call = process(7, "accept4", 3, fd=3, target="socket:[5]")
    sentences = said(
        call,
        tcp=[
            tcp(5, "0.0.0.0:5678", "0.0.0.0:0", "listen", pids=[7]),
            tcp(6, "10.11.0.2:5678", "10.11.0.3:4000", pids=[7]),
            tcp(0, "10.11.0.2:5678", "10.11.0.3:4001", "time_wait"),
        ],
    )
    assert sentences == ["reader is in accept() on port 5678; 1 connection open"]


def test_accept_on_a_unix_socket_names_its_file() -> None:
    call = process(7, "accept", 3, fd=3, target="socket:[5]")
    listening = unix(5, path="/ipc/s", state="listen", pids=[7])
    assert said(call, unix_socket=[listening]) == ["reader is in accept() on /ipc/s; nobody is connected"]
    connected = unix(6, path="/ipc/s", peer=8, pids=[7])
    assert said(call, unix_socket=[listening, connected]) == ["reader is in accept() on /ipc/s; 1 connection open"]


def test_connect_says_where_to() -> None:
    call = process(7, "connect", 3, fd=3, target="socket:[5]")
    asked = tcp(5, "10.11.0.2:4000", "10.11.0.3:20123", "syn_sent", pids=[7])
    assert said(call, tcp=[asked]) == ["reader is in connect() to 10.11.0.3:20123; no answer has come"]
    assert said(call, unix_socket=[unix(5, state="unconnected", pids=[7])]) == [
        "reader is in connect() to a Unix socket whose queue of waiting connections is full"
    ]


def test_receiving_over_tcp_names_the_peer_and_what_it_does() -> None:
    sentences = said(
        process(7, "recvfrom", 3, fd=3, target="socket:[5]"),
        process(8, "clock_nanosleep"),
        tcp=[
            tcp(5, "10.11.0.2:4000", "10.11.0.2:20123", pids=[7]),
            tcp(6, "10.11.0.2:20123", "10.11.0.2:4000", pids=[8]),
        ],
    )
    assert sentences == [
        "reader is in recvfrom() on a TCP connection to 10.11.0.2:20123 with 0 bytes unread; "
        "the peer process writer is in nanosleep()",
        "writer is in nanosleep()",
    ]


def test_the_peer_may_be_on_another_host() -> None:
    here = Snapshot.from_fields(
        {
            "process": [process(7, "recvfrom", 3, fd=3, target="socket:[5]")],
            "tcp": [tcp(5, "10.11.0.2:4000", "10.11.0.3:20123", pids=[7])],
        }
    )
    there = Snapshot.from_fields(
        {
            "process": [process(7, "accept", 3, fd=3, target="socket:[9]")],
            "tcp": [tcp(5, "10.11.0.3:20123", "10.11.0.2:4000", pids=[7])],
        }
    )
    assert diagnose(here, {7: "client"}, elsewhere=[(there, {7: "server"})]) == (
        "client is in recvfrom() on a TCP connection to 10.11.0.3:20123 with 0 bytes unread; "
        "the peer process server is in accept()",
    )
    assert diagnose(here, {7: "client"}) == (
        "client is in recvfrom() on a TCP connection to 10.11.0.3:20123 with 0 bytes unread",
    )


def test_sending_into_a_full_buffer_says_so() -> None:
    call = process(7, "sendto", 3, fd=3, target="socket:[5]")
    assert said(call, tcp=[tcp(5, "10.11.0.2:4000", "10.11.0.3:20123", pids=[7])]) == [
        "reader is in sendto() on a TCP connection to 10.11.0.3:20123 whose buffer is full"
    ]


def test_both_ends_of_a_unix_pair_in_one_process_are_told() -> None:
    call = process(7, "read", 3, fd=3, target="socket:[5]")
    ends = [unix(5, peer=6, pids=[7]), unix(6, peer=5, pids=[7])]
    assert said(call, unix_socket=ends) == [
        "reader is in read() on a Unix connection with 0 bytes unread; it holds both ends of it itself"
    ]


def test_a_unix_connection_names_its_file_and_its_peer() -> None:
    ends = [unix(5, peer=6, pids=[7]), unix(6, peer=5, pids=[8], path="/ipc/s")]
    sentences = said(process(7, "read", 3, fd=3, target="socket:[5]"), process(8), unix_socket=ends)
    assert sentences[0] == (
        "reader is in read() on a Unix connection of /ipc/s with 0 bytes unread; the peer process writer is running"
    )


def test_a_datagram_socket_without_a_peer_says_so() -> None:
    call = process(7, "recvfrom", 3, fd=3, target="socket:[5]")
    assert said(call, unix_socket=[unix(5, type="dgram", state="unconnected", path="/ipc/d", pids=[7])]) == [
        "reader is in recvfrom() on an unconnected Unix socket /ipc/d with 0 bytes unread"
    ]
    bound = tcp(5, "0.0.0.0:99", "0.0.0.0:0", "unconnected", pids=[7])
    assert said(call, udp=[bound]) == ["reader is in recvfrom() on UDP port 99 with 0 bytes unread"]


# Shared memory, semaphores, queues

SEM = {"target": "/dev/shm/sem.x", "perms": "rw-s", "dev": 39, "ino": 9, "start": 4096, "size": 4096}
SHM = {"target": "/dev/shm/lab", "perms": "rw-s", "dev": 39, "ino": 10, "start": 4096, "size": 4096}
SEGMENT = {"target": "/SYSV0000162e (deleted)", "perms": "rw-s", "dev": 1, "ino": 0, "start": 4096, "size": 4096}
NAMED = {**FILE, "ino": 9, "name": "/x", "size": 32, "nlink": 1, "value": 0, "waiters": 1, "mapped": [7]}


def test_a_named_semaphore_that_nobody_else_maps_will_never_be_raised() -> None:
    (sentence,) = said(process(7, "futex", 4100, 0, maps=[SEM]), posix_sem=[NAMED])
    assert sentence == (
        "reader waits for the semaphore /x (value 0); no other process here maps it, so nobody is left to wake it"
    )


def test_a_lock_in_shared_memory_names_it_and_who_shares_it() -> None:
    sentences = said(process(7, "futex", 4100, 0, maps=[SHM]), process(8, "pause", maps=[SHM]))
    assert sentences[0] == "reader waits for a lock or semaphore in the shared memory /lab; it is mapped by writer, too"


def test_a_lock_in_a_segment_names_its_key() -> None:
    (sentence,) = said(process(7, "futex", 4100, 0, maps=[SEGMENT]))
    assert sentence.startswith("reader waits for a lock or semaphore in the System V segment with key 0x162e; no other")


def test_a_process_that_ended_holds_no_mapping() -> None:
    sentences = said(process(7, "futex", 4100, 0, maps=[SHM]), process(8, state="Z", maps=[SHM]))
    assert sentences[0].endswith("nobody is left to wake it")


def test_a_private_lock_in_shared_memory_is_a_mistake_by_itself() -> None:
    sentences = said(process(7, "futex", 4100, 128, maps=[SHM]), process(8, "pause", maps=[SHM]))
    assert sentences[0].endswith("made for the threads of one process (pshared is 0): nobody else can wake it")


def test_a_lock_in_memory_of_its_own_can_only_be_its_threads() -> None:
    assert said(process(7, "futex", 99, 128)) == [
        "reader waits for a lock or semaphore in memory that it shares with no other process: nobody can wake it"
    ]
    assert said(process(7, "futex", 99, 128, threads=2)) == ["reader waits for another of its threads in futex()"]


def test_semop_names_its_set_and_that_nobody_is_left() -> None:
    found = {**SYSV, "id": 3, "key": 5678, "nsems": 1}
    lonely = said(process(7, "semop", 3), sysv_sem=[found])
    assert lonely == [
        "reader is in semop() of set 3 (key 0x162e); no other program is left here that could raise a semaphore of it"
    ]
    assert said(process(7, "semtimedop", 3), process(8, "pause"))[0] == "reader is in semop() of set 3"


def test_message_queues_say_what_is_in_them() -> None:
    queue = {**SYSV, "id": 2, "key": 1, "qnum": 0, "cbytes": 0, "lspid": 0, "lrpid": 0}
    sentences = said(process(7, "msgrcv", 2), process(8, "pause"), sysv_msg=[queue])
    assert sentences[0] == "reader is in msgrcv() of queue 2 (key 0x1), which holds 0 messages"
    posix = {**FILE, "name": "/q", "qsize": 0, "open": [7]}
    assert said(process(7, "mq_timedreceive", 3, fd=3, target="/q"), posix_mq=[posix]) == [
        "reader is in mq_receive() of /q, which holds 0 bytes; no other process here has it open"
    ]


# Processes


def test_waiting_for_a_child_names_it() -> None:
    sentences = said(process(7, "wait4"), process(12, "pause", ppid=7, proc=None))
    assert sentences == [
        "reader is in waitpid(): it waits for the end of its child 12",
        "child 12 of reader is in pause(): it waits for a signal",
    ]


def test_a_child_that_was_never_waited_for_is_told() -> None:
    sentences = said(process(7, "pause"), process(12, state="Z", ppid=7, proc=None))
    assert sentences[1] == "child 12 of reader has ended but was never waited for"


def test_a_stopped_process_says_so() -> None:
    assert said(process(7, "read", state="T")) == ["reader is stopped by a signal, and waits for SIGCONT"]
    assert said(process(7, "read", state="t")) == ["reader is stopped by a tracer"]


@pytest.mark.parametrize(
    ("cpu_s", "waited_s", "words"),
    [
        (1.9, 2.0, "is running (no system call) and has used 1.9 s of CPU in 2.0 s: it is busy waiting"),
        (0.1, 2.0, "is running (no system call) and has used 0.1 s of CPU in 2.0 s"),
        (1.9, None, "is running (no system call) and has used 1.9 s of CPU"),
    ],
)
def test_a_running_process_says_what_it_has_used(cpu_s: float, waited_s: float | None, words: str) -> None:
    assert said(process(7, utime_s=cpu_s), waited_s=waited_s) == [f"reader {words}"]


def test_a_process_that_sleeps_between_its_looks_is_told() -> None:
    sentences = said(process(7, "clock_nanosleep", utime_s=0.3), process(8, "nanosleep"), waited_s=2.0)
    assert sentences == [
        "reader is in nanosleep(); it has used 0.3 s of CPU in 2.0 s: it looks again and again instead of waiting",
        "writer is in nanosleep()",
    ]


def test_a_program_that_is_gone_has_ended() -> None:
    assert diagnose(Snapshot(), {7: "server"}) == ("server has ended",)


def test_what_outlived_its_program_is_told_and_strangers_are_not() -> None:
    sentences = said(
        process(20, "pause", proc=None, argv=["./daemon", "\x1b[2J"]),
        process(21, "pause", proc=None, ours=False),
        process(22, "pause"),
    )
    assert sentences == [r"process 20 `./daemon \x1b[2J` is in pause(): it waits for a signal"]


def test_descendants_are_told_by_their_nearest_program() -> None:
    sentences = said(
        process(7, "pause"), process(12, "pause", ppid=7, proc=None), process(13, "pause", ppid=12, proc=None)
    )
    assert [sentence.split(" is in ")[0] for sentence in sentences] == [
        "reader",
        "child 12 of reader",
        "descendant 13 of reader",
    ]


def test_a_lock_on_a_file_names_it() -> None:
    assert said(process(7, "fcntl", 3, 7, fd=3, target="/tmp/db")) == [
        "reader is in fcntl(): it waits for a lock on /tmp/db"
    ]


def test_a_call_that_nobody_knows_is_named() -> None:
    assert said(process(7, "splice", fd=3, target="pipe:[1]")) == ["reader is in splice() of pipe:[1]"]


def test_a_first_thread_that_has_ended_is_not_the_end() -> None:
    assert said(process(7, state="Z", threads=3)) == ["reader goes on in 2 threads: its first one has ended"]
    assert said(process(7, state="Z")) == ["reader has ended but was never waited for"]
