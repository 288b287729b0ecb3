"""Programs that take everything, leave everything or never end: a verdict that says so, and hosts as they were before.

Each attack is a known-wrong solution of `labs/hostile/attack`, judged as any submission is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestrator.agent.command import Command
from orchestrator.agent.facts import Limits
from orchestrator.session import JUDGED, PEER
from tests.e2e.arena import ALL_PASSED, Arena, arena, explained, outcomes

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("hostile")]

ATTACKS = {
    "fork-bomb": ["too many processes in alpha/left: 64 may run there at once", "more like these"],
    "always-one-ahead": ["program: exit 0"],
    "memory-hog": ["out of memory in alpha/left: more than 96MiB", "ended by SIGKILL"],
    "endless-output": ["killed after", "when it had printed 16"],
    "ignores-every-signal": ["it still runs after", "program is in pause()"],
    "stops-itself": ["it still runs after", "program is stopped by a signal"],
    "daemon": ["printed 'done", "`/build/judged/attack/program`, "],
    "leaks-everything": [
        "System V segment key 0x162e (5678), 4096 bytes",
        "System V segment id",
        "System V semaphore set key 0x162e (5678)",
        "System V message queue key 0x162e (5678)",
        "POSIX shared memory /left",
        "POSIX semaphore /left",
        "POSIX message queue /left",
        "FIFO /ipc/left.fifo",
        "socket file /ipc/left.socket",
        "folder /tmp/tree, mode 0000",
        "link /tmp/link",
        r"file /ipc/\x1b[31m\n\xff, mode 0600",
    ],
    "leaves-files": ["file /tmp/left, mode 0600", "file /ipc/left, mode 0660", "folder /ipc/folder, mode 0700"],
    "fills-every-disk": ["printed 'done", "System V segment id", "more like these"],
    "kills-everybody": ["ended by SIGKILL"],
    "ends-before-main": ["program: exit 0"],
    "goes-on-without-main": ["it still runs after", "program goes on in 50 threads: its first one has ended"],
}
"""Attacks, and what their verdicts say."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with arena(tmp_path_factory.mktemp("hostile")) as made:
        yield made


def test_a_program_that_means_no_harm_passes(hostile: Arena) -> None:
    record = hostile.judge(reference=True)
    assert outcomes(record) == ALL_PASSED
    assert (record.points, record.max_points) == (2, 3)


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_fails_its_check_and_nothing_of_it_is_left(hostile: Arena, attack: str) -> None:
    agents = {place: hostile.agent(place).hello.pid for place in ("alpha/left", "alpha/right")}
    record = hostile.judge(wrong=f"attack/{attack}")
    assert outcomes(record) == {**ALL_PASSED, "test_program_says_that_it_is_done": "failed"}
    for words in ATTACKS[attack]:
        assert words in explained(record)
    assert not hostile.left()
    assert agents == {place: hostile.agent(place).hello.pid for place in agents}, "an agent did not survive"


def test_programs_that_have_an_agent_killed_for_memory_fail_and_the_next_check_has_new_hosts(hostile: Arena) -> None:
    record = hostile.judge(wrong="attack/crowd-of-hogs")
    assert outcomes(record) == {**ALL_PASSED, "test_program_says_that_it_is_done": "failed"}
    assert "out of memory in alpha/left: more than 96MiB" in explained(record)
    assert not hostile.left()


def test_what_the_check_or_a_peer_puts_there_is_no_leftover(hostile: Arena) -> None:
    with hostile.check() as bench:
        agent = bench.context.agent("alpha/left")
        bench.context.agent("alpha/right")  # sees the same /ipc
        for path in ("/tmp/given", "/ipc/given", "/ipc/folder/given", "/dev/shm/given"):
            agent.put(path, b"given", parents=True)
        bench.host("alpha").run("touch /tmp/touched && mkfifo /ipc/made && mkdir /ipc/empty")
        bench.program("victim", peer=True).build.install("victim", "alpha/left")
        note = Command(("/usr/bin/touch", "/ipc/noted", "/tmp/noted"), umask=0o007)
        agent.run(replace(note, uid=PEER.uid, gid=PEER.gid), 5)
        assert bench.context.leftovers() == ()
        left = Command(("/usr/bin/touch", "/ipc/left", "/ipc/given"), uid=JUDGED.uid, gid=JUDGED.gid)
        agent.run(left, 5)
        assert [fact.describe() for fact in bench.context.leftovers()] == ["file /ipc/left, mode 0660"]
    assert not hostile.left()


def test_limits_are_counted_by_the_kernel(hostile: Arena) -> None:
    (before,) = hostile.agent().facts(Limits)
    hostile.judge(wrong="attack/fork-bomb", select="done")
    (after,) = hostile.agent().facts(Limits)
    assert after.forks_refused > before.forks_refused
    assert after.oom_kills == before.oom_kills
    assert hostile.agent().run(Command(("/bin/true",)), 5).ok
