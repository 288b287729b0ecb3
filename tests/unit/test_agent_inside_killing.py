"""Signals and kills: nothing that a program forked outlives them, however it was detached."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.agent_inside import AgentInside, Answer, Refused, is_running, python

DAEMON = """
import os, signal, time
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
for number in (1, 2, 15): signal.signal(number, signal.SIG_IGN)
print(os.getpid(), flush=True)
os.closerange(0, 3)
time.sleep(1000)
"""
ROAMING = """
import os
while True:
    if os.fork(): os._exit(0)
    os.setsid()
"""
GROWING = """
import os, time
for _ in range(5): os.fork()
while True:
    if os.fork() == 0: os._exit(0)
    os.wait()
"""
SPOILT = """
import os, resource, time
spoilt, tell = os.pipe()
if os.fork(): os.read(spoilt, 1); os._exit(0)
resource.setrlimit(10, (5, 5))
os.setsid()
os.write(tell, b'x')
print(os.getpid(), flush=True)
time.sleep(1000)
"""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentInside]:
    with AgentInside((tmp_path,)) as agent:
        yield agent


def ours(agent: AgentInside) -> list[dict[str, object]]:
    return agent.call("facts", kind="process", match={"ours": True}).facts


def daemon_of(agent: AgentInside) -> tuple[Answer, int]:
    """The result of a program that left a daemon behind, and the daemon's process id."""
    result = agent.run(*python(DAEMON))
    return result, int(agent.printed(result, b"\n"))


def test_a_daemon_is_found_named_and_killed(agent: AgentInside) -> None:
    result, pid = daemon_of(agent)
    assert result["exit"] == 0
    [daemon] = agent.wait("process", pid=pid, ppid=agent.process.pid, fds=[])
    assert daemon["proc"] == result["proc"]
    agent.wait("process", {"max": 1}, ours=True)
    answer = agent.call("kill", all=True)
    [survivor] = answer["survivors"]
    assert (survivor["pid"], survivor["proc"], survivor["argv"][-1]) == (pid, result["proc"], DAEMON)
    assert answer["killed"] == 1
    assert not is_running(pid)
    assert ours(agent) == []


def test_children_of_a_program_that_runs_are_killed_with_it_and_no_survivors(agent: AgentInside) -> None:
    started = agent.spawn("sh", "-c", "sleep 1000 & sleep 1001 & wait")
    agent.wait("process", {"min": 3}, proc=started["proc"])
    assert agent.call("kill", proc=started["proc"]).ok == {"survivors": [], "killed": 3}
    assert agent.finish(started)["signal"] == signal.SIGKILL


def test_killing_one_program_leaves_the_others(agent: AgentInside) -> None:
    one, first = daemon_of(agent)
    other, second = daemon_of(agent)
    third = agent.spawn("sleep", "1000")
    agent.call("kill", proc=one["proc"])
    assert [is_running(first), is_running(second)] == [False, True]
    assert {fact["proc"] for fact in ours(agent)} == {other["proc"], third["proc"]}


def test_a_daemon_that_spoilt_its_mark_goes_with_any_kill(agent: AgentInside) -> None:
    started = agent.spawn(*python(SPOILT))
    agent.finish(started)
    pid = int(agent.printed(started, b"\n"))
    [fact] = agent.wait("process", pid=pid, ppid=agent.process.pid)
    assert (fact["ours"], fact["proc"]) == (True, None)
    other = agent.spawn("sleep", "1000")
    agent.call("kill", proc=other["proc"])
    assert not is_running(pid)


@pytest.mark.parametrize("everything", [True, False], ids=["all", "proc"])
def test_a_process_that_only_forks_and_exits_is_caught(agent: AgentInside, everything: bool) -> None:
    started = agent.spawn(*python(ROAMING))
    agent.finish(started)
    answer = agent.call("kill", **({"all": True} if everything else {"proc": started["proc"]}))
    assert answer["killed"] >= 1
    assert ours(agent) == []


def test_a_crowd_that_goes_on_forking_is_caught(agent: AgentInside) -> None:
    started = agent.spawn(*python(GROWING))
    agent.wait("process", {"min": 32}, proc=started["proc"])
    assert agent.call("kill", proc=started["proc"])["killed"] >= 32
    assert ours(agent) == []


def test_a_stopped_process_is_killed(agent: AgentInside) -> None:
    started = agent.spawn("sh", "-c", "kill -STOP $$")
    agent.wait("process", pid=started["pid"], state="T")
    assert agent.call("kill", all=True)["killed"] == 1


def test_a_child_that_nobody_waited_for_is_a_fact_and_no_survivor(agent: AgentInside) -> None:
    started = agent.spawn(*python("import os, time\nif os.fork(): time.sleep(1000)"))
    [zombie] = agent.wait("process", ppid=started["pid"], state="Z")
    assert (zombie["fds"], zombie["argv"], zombie["proc"]) == ([], [], started["proc"])
    assert agent.call("kill", all=True).ok == {"survivors": [], "killed": 1}
    assert agent.call("facts", kind="process", match={"pid": zombie["pid"]}).facts == []


def test_killing_nothing_is_no_error(agent: AgentInside) -> None:
    assert agent.call("kill", all=True).ok == {"survivors": [], "killed": 0}
    ended = agent.run("true")
    assert agent.call("kill", proc=ended["proc"]).ok == {"survivors": [], "killed": 0}


def test_a_signal_reaches_one_process_its_group_or_all(agent: AgentInside) -> None:
    started = agent.spawn(
        "sh", "-c", "trap 'echo got' USR1; (setsid sleep 1000 &); sleep 1001 & echo ready; while :; do wait; done"
    )
    agent.printed(started, b"ready")
    proc = started["proc"]
    agent.wait("process", {"min": 2}, proc=proc, comm="sleep")  # until then both are still shells
    agent.wait("process", {"max": 3}, proc=proc)
    assert agent.call("signal", proc=proc, signal=signal.SIGUSR1)["count"] == 1
    agent.printed(started, b"got\n")
    assert agent.call("signal", proc=proc, signal=0, to="group")["count"] == 2
    assert agent.call("signal", proc=proc, signal=0, to="all")["count"] == 3
    assert agent.call("signal", pid=started["pid"], signal=0, to="all")["count"] == 2
    assert agent.call("signal", proc=proc, signal=signal.SIGKILL, to="all")["count"] == 3
    assert agent.finish(started)["signal"] == signal.SIGKILL


def test_who_forks_while_all_are_stopped_has_no_child_that_runs_on(agent: AgentInside) -> None:
    started = agent.spawn(*python("import os, time\nwhile os.fork() == 0:\n    pass\ntime.sleep(1000)"))
    agent.wait("process", {"min": 20}, proc=started["proc"])
    count = agent.call("signal", proc=started["proc"], signal=signal.SIGSTOP, to="all")["count"]
    agent.wait("process", {"max": 0}, proc=started["proc"], state={"in": ["R", "S", "D"]})
    # A fork that was on its way ends when we have looked for the last time; the child is stopped, and not counted.
    assert count <= len(agent.wait("process", {"min": count}, proc=started["proc"], state="T")) <= count + 1


def test_a_signal_to_a_program_that_has_ended_reaches_nobody(agent: AgentInside) -> None:
    ended = agent.run("true")
    for to in ("process", "group", "all"):
        assert agent.call("signal", proc=ended["proc"], signal=15, to=to)["count"] == 0


def test_a_signal_goes_to_no_agent_and_to_no_first_process(agent: AgentInside) -> None:
    for pid in (agent.process.pid, 1, 2**31):
        with pytest.raises(Refused):
            agent.call("signal", pid=pid, signal=15)
    agent.call("ping")
