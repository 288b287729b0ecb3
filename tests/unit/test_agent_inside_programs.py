"""Programs that the agent starts: what they inherit, what they print, how they end."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.agent_inside import AgentInside, Answer, Refused, needs_root, open_to_all, python

STUDENT: dict[str, Any] = {"uid": 4321, "gid": 4322}
WORKING = """
import os, signal, time
told, tell = os.pipe()
{first}
if os.fork() == 0:
    {detach}
    while time.process_time() < 0.2: pass
    for _ in range(50): time.sleep(0.0001)
    os.write(tell, b'%d' % os.getpid())
    {end}
worker = int(os.read(told, 10))
{last}
"""
"""A program whose child has worked for 0.2 s and taken 50 naps before the program does anything else."""
EXIT, STAY, DAEMON = "os._exit(0)", "time.sleep(1000)", "if os.fork(): os._exit(0)"
READY = "print('ready', flush=True); signal.pause()"


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentInside]:
    with AgentInside((tmp_path_factory.mktemp("channels"),)) as agent:
        yield agent


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """A folder that every user reaches."""
    open_to_all(tmp_path)
    return tmp_path


def test_a_result_has_what_was_printed_and_how_it_ended(agent: AgentInside) -> None:
    result = agent.run("sh", "-c", "echo out; echo err >&2; exit 3")
    assert (result["exit"], result["signal"], result.payload) == (3, None, b"out\nerr\n")
    assert (result["stdout"], result["stderr"], result["stdout_total"], result["stderr_total"]) == (4, 4, 4, 4)
    assert not (result["timed_out"] or result["output_killed"] or result["at_kill"])
    assert result["max_rss_bytes"] > 0
    assert result["voluntary_switches"] + result["involuntary_switches"] > 0


def test_a_signal_that_ended_a_program_is_told(agent: AgentInside) -> None:
    result = agent.run("sh", "-c", "kill -SEGV $$")
    assert (result["exit"], result["signal"]) == (None, signal.SIGSEGV)


def test_busy_time_is_told_apart_from_waiting_time(agent: AgentInside) -> None:
    busy = agent.run(*python("import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end: pass"))
    idle = agent.run("sleep", "0.2")
    assert busy["user_s"] + busy["system_s"] >= 0.2
    assert idle["user_s"] + idle["system_s"] < 0.1 <= idle["wall_s"]


def test_the_time_of_children_that_were_waited_for_counts(agent: AgentInside) -> None:
    result = agent.run(
        *python(
            "import os, time\nif os.fork() == 0:\n    while time.process_time() < 0.2: pass\n    os._exit(0)\nos.wait()"
        )
    )
    assert result["user_s"] + result["system_s"] >= 0.2


def working(first: str = "", detach: str = "", end: str = STAY, last: str = "") -> tuple[str, ...]:
    return python(WORKING.format(first=first, detach=detach, end=end, last=last))


def has_worked(result: Answer) -> bool:
    """Whether a result has the time and the naps of the child; of one that is alive only whole ticks are known."""
    return result["user_s"] + result["system_s"] >= 0.15 and result["voluntary_switches"] >= 50


@pytest.mark.parametrize("end", [EXIT, STAY], ids=["ended", "alive"])
@pytest.mark.parametrize("detach", ["", DAEMON], ids=["child", "daemon"])
def test_the_time_of_children_that_nobody_waited_for_counts(agent: AgentInside, detach: str, end: str) -> None:
    result = agent.run(*working(detach=detach, end=end))
    assert has_worked(result)
    agent.call("kill", all=True)


def test_the_time_of_an_orphan_that_is_gone_counts(agent: AgentInside) -> None:
    gone = "while os.path.exists(f'/proc/{worker}'): time.sleep(0.001)"
    assert has_worked(agent.run(*working(detach=DAEMON, end=EXIT, last=gone)))


@pytest.mark.parametrize("first", ["", "signal.signal(signal.SIGCHLD, signal.SIG_IGN)"], ids=["", "reaped by nobody"])
@pytest.mark.parametrize("detach", ["", DAEMON], ids=["child", "daemon"])
def test_the_time_of_children_that_are_killed_with_their_program_counts(
    agent: AgentInside, first: str, detach: str
) -> None:
    program = working(first, detach, last=READY)
    started = agent.spawn(*program)
    agent.printed(started, b"ready")
    agent.call("kill", proc=started["proc"])
    assert has_worked(agent.finish(started))
    late = agent.run(*program, output_kill=0)
    assert late["output_killed"]
    assert has_worked(late)


def test_the_time_of_other_programs_does_not_count(agent: AgentInside) -> None:
    idle = agent.spawn("sleep", "1000")
    other = agent.spawn(*working(detach=DAEMON, last=READY))
    agent.printed(other, b"ready")
    assert has_worked(agent.run(*working(detach=DAEMON, end=EXIT)))
    for started in (idle, other):
        agent.call("kill", proc=started["proc"])
    result = agent.finish(idle)
    assert result["user_s"] + result["system_s"] < 0.1


def test_the_environment_is_exactly_what_was_given(agent: AgentInside) -> None:
    assert agent.run("/usr/bin/env", env={"A": "1", "B": "\udcff ü"}).payload == b"A=1\nB=\xff \xc3\xbc\n"
    assert agent.run("/usr/bin/env", env={}).payload == b""


def test_arguments_go_through_byte_by_byte(agent: AgentInside) -> None:
    arguments = ["", " ", "ä", "\udcfe", "-n\n", "$HOME"]
    printed = agent.run(
        *python("import os, sys\nfor a in sys.argv[1:]: os.write(1, os.fsencode(a) + b'|')"), *arguments
    )
    assert printed.payload == b"|" + b" |" + "ä|".encode() + b"\xfe|" + b"-n\n|" + b"$HOME|"


def test_a_program_has_three_descriptors_and_a_session_of_its_own(agent: AgentInside) -> None:
    script = (
        "import os\n"
        "print(sorted(map(int, os.listdir('/proc/self/fd')))[:3], len(os.listdir('/proc/self/fd')))\n"
        "print(os.getsid(0) == os.getpgid(0) == os.getpid())"
    )
    assert agent.run(*python(script)).payload == b"[0, 1, 2] 4\nTrue\n"


def test_no_signal_is_ignored_or_blocked(agent: AgentInside) -> None:
    script = "grep -E '^Sig(Blk|Ign)' /proc/self/status"
    _, blocked, _, ignored = agent.run("sh", "-c", script).payload.split()
    assert int(blocked, 16) == 0
    # 32 and 33 are the C library's own, signal(7): who runs these tests may have left them ignored.
    assert int(ignored, 16) & ~(1 << 31 | 1 << 32) == 0


def test_a_writer_without_reader_dies_of_sigpipe(agent: AgentInside) -> None:
    script = (
        "import os\nr, w = os.pipe()\nos.close(r)\nimport signal\nsignal.signal(13, signal.SIG_DFL)\nos.write(w, b'x')"
    )
    assert agent.run(*python(script))["signal"] == signal.SIGPIPE


def test_folder_and_umask_are_those_that_were_asked_for(agent: AgentInside, tmp_path: Path) -> None:
    result = agent.run("sh", "-c", "pwd; umask; touch made", cwd=str(tmp_path), umask=0o007)
    assert result.payload.decode().split() == [str(tmp_path), "0007"]
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o660


def test_limits_are_soft_and_hard(agent: AgentInside) -> None:
    script = "import resource as r\nprint(*map(r.getrlimit, (r.RLIMIT_NOFILE, r.RLIMIT_CORE, r.RLIMIT_CPU)))"
    result = agent.run(*python(script), limits={"nofile": 64, "core": 0, "cpu": 5})
    assert result.payload == b"(64, 64) (0, 0) (5, 5)\n"


def test_a_processor_limit_ends_a_program(agent: AgentInside) -> None:
    assert agent.run("sh", "-c", "while :; do :; done", limits={"cpu": 1})["signal"] in (signal.SIGXCPU, signal.SIGKILL)


@pytest.mark.skipif(resource.getrlimit(resource.RLIMIT_NOFILE)[1] == resource.RLIM_INFINITY, reason="no limit to pass")
def test_a_limit_above_the_agents_own_is_refused_by_the_kernel(agent: AgentInside) -> None:
    with pytest.raises(Refused) as refused:
        agent.spawn("true", limits={"nofile": 2**62})
    assert refused.value.kind == "os"
    assert "nofile" in str(refused.value)


@pytest.mark.parametrize(
    ("argv0", "fields", "path", "number"),
    [
        ("/no/such/program", {}, "/no/such/program", 2),
        ("no-such-program", {}, "no-such-program", 2),
        ("ls", {"env": {"PATH": "/nowhere:/nowhere/else"}}, "ls", 2),
        ("/etc/passwd", {}, "/etc/passwd", 13),
        ("/", {}, "/", 13),
        ("true", {"cwd": "/no/such/folder"}, "/no/such/folder", 2),
        ("true", {"cwd": "/etc/passwd"}, "/etc/passwd", 20),
    ],
)
def test_what_can_not_be_executed_is_told_exactly(
    agent: AgentInside, argv0: str, fields: dict[str, Any], path: str, number: int
) -> None:
    with pytest.raises(Refused) as refused:
        agent.spawn(argv0, **fields)
    assert refused.value.kind == "os"
    assert (refused.value.error["path"], refused.value.error["errno"]) == (path, number)


def test_a_program_without_slash_is_looked_for_in_its_own_path(agent: AgentInside, tmp_path: Path) -> None:
    for name, mode in (("first", 0o644), ("second", 0o755)):
        (tmp_path / name).mkdir()
        program = tmp_path / name / "prog"
        program.write_text(f"#!/bin/sh\necho {name}\n")
        program.chmod(mode)
    path = f"{tmp_path}/absent:{tmp_path}/first:{tmp_path}/second"
    assert agent.run("prog", env={"PATH": path}).payload == b"second\n"


def test_a_refused_program_leaves_nothing_behind(agent: AgentInside) -> None:
    descriptors = Path(f"/proc/{agent.process.pid}/fd")
    before = sorted(descriptors.iterdir())
    for _ in range(3):
        with pytest.raises(Refused):
            agent.spawn("/no/such/program", stdin="pipe", stdin_open=True)
    assert sorted(descriptors.iterdir()) == before
    assert agent.call("facts", kind="process", match={"ours": True}).facts == []


def test_standard_input_is_empty_unless_something_is_given(agent: AgentInside) -> None:
    assert agent.run("cat").payload == b""
    assert agent.run("cat", stdin="pipe").payload == b""


def test_bytes_given_with_the_request_are_read_and_then_end(agent: AgentInside) -> None:
    data = bytes(range(256)) * 4096
    started = agent.spawn("cat", payload=data, stdin="pipe", output_cap=4 << 20)
    assert agent.finish(started).payload == data


def test_input_can_come_in_pieces(agent: AgentInside) -> None:
    started = agent.spawn("cat", payload=b"one ", stdin="pipe", stdin_open=True)
    agent.printed(started, b"one ")
    answer = agent.call("stdin", b"two", proc=started["proc"])
    assert (answer["written"], answer["broken"]) == (3, False)
    agent.printed(started, b"one two")
    agent.call("stdin", proc=started["proc"], close=True)
    assert agent.finish(started).payload == b"one two"


def test_input_that_nobody_reads_waits_and_does_not_hold_up_the_agent(agent: AgentInside) -> None:
    started = agent.spawn("sleep", "1000", stdin="pipe", stdin_open=True)
    answer = agent.call("stdin", bytes(1 << 20), proc=started["proc"])
    assert answer["written"] == 1 << 20
    assert 0 < answer["pending"] < 1 << 20
    agent.call("ping")
    with pytest.raises(Refused) as refused:
        agent.call("stdin", bytes(16 << 20), proc=started["proc"])
    assert refused.value.kind == "limit"
    agent.call("kill", proc=started["proc"])


def test_input_of_a_program_that_closed_it_is_broken_not_an_error(agent: AgentInside) -> None:
    started = agent.spawn("sh", "-c", "exec <&-; echo closed; sleep 1000", stdin="pipe", stdin_open=True)
    agent.printed(started, b"closed")
    assert agent.call("stdin", b"x", proc=started["proc"]).ok == {"written": 0, "pending": 0, "broken": True}
    assert agent.call("stdin", b"x", proc=started["proc"], close=True)["broken"]
    agent.call("kill", proc=started["proc"])


def test_a_program_without_pipe_takes_no_input(agent: AgentInside) -> None:
    started = agent.spawn("true")
    with pytest.raises(Refused) as refused:
        agent.call("stdin", b"x", proc=started["proc"])
    assert refused.value.kind == "missing"
    agent.finish(started)


def test_output_above_the_cap_keeps_its_head_and_its_tail(agent: AgentInside) -> None:
    result = agent.run("seq", "100000", output_cap=20)
    assert result["stdout_total"] == sum(len(f"{number}\n") for number in range(1, 100_001))
    assert result.payload == b"1\n2\n3\n4\n5\n" + b"9\n100000\n"[-10:].rjust(10, b"9")


def test_output_is_there_while_a_program_runs(agent: AgentInside) -> None:
    started = agent.spawn("sh", "-c", "echo ready; sleep 1000")
    assert agent.printed(started, b"ready\n") == b"ready\n"
    assert agent.call("output", proc=started["proc"])["ended"] is False
    agent.call("kill", proc=started["proc"])


def test_a_program_that_prints_without_end_is_killed(agent: AgentInside) -> None:
    result = agent.run("yes", output_kill=1 << 20, output_cap=1000)
    assert (result["signal"], result["output_killed"], result["timed_out"]) == (signal.SIGKILL, True, False)
    assert result["stdout_total"] > 1 << 20
    assert len(result.payload) == 1000
    assert result["at_kill"][0]["comm"] == "yes"


def test_a_deadline_kills_a_program_and_tells_where_it_was(agent: AgentInside) -> None:
    script = "import os\nos.fork() or os.execlp('sleep', 'sleep', '1000')\nos.wait()"
    started = agent.spawn(*python(script), deadline_s=1)
    for call in ("wait4", "clock_nanosleep"):
        agent.wait("process", **{"proc": started["proc"], "syscall.name": call})
    result = agent.finish(started)
    assert (result["signal"], result["timed_out"]) == (signal.SIGKILL, True)
    where = {fact["pid"] == result["pid"]: fact["syscall"]["name"] for fact in result["at_kill"]}
    assert where == {True: "wait4", False: "clock_nanosleep"}
    assert agent.wait("process", {"max": 0}, ours=True) == []


def test_a_deadline_does_not_touch_a_program_that_made_it(agent: AgentInside) -> None:
    result = agent.run("sh", "-c", "sleep 1000 & exit 0", deadline_s=5)
    assert (result["exit"], result["timed_out"]) == (0, False)
    assert [fact["proc"] for fact in agent.call("facts", kind="process", match={"ours": True}).facts] == [
        result["proc"]
    ]
    agent.call("kill", all=True)


def test_finish_in_vain_leaves_the_program_running(agent: AgentInside) -> None:
    started = agent.spawn("sleep", "1000")
    with pytest.raises(Refused) as refused:
        agent.call("finish", proc=started["proc"], timeout_s=0.05)
    assert refused.value.kind == "timeout"
    assert (refused.value.error["proc"], refused.value.error["pid"]) == (started["proc"], started["pid"])
    agent.call("kill", proc=started["proc"])
    assert agent.finish(started)["signal"] == signal.SIGKILL


def test_a_run_that_takes_too_long_names_its_program(agent: AgentInside) -> None:
    with pytest.raises(Refused) as refused:
        agent.call("run", argv=["/bin/sleep", "1000"], timeout_s=0.05)
    assert agent.call("kill", proc=refused.value.error["proc"])["killed"] == 1


def test_a_result_does_not_wait_for_a_daemon_that_holds_the_pipe(agent: AgentInside) -> None:
    result = agent.run("sh", "-c", "echo before; sleep 1000 & exit 0")
    assert (result["exit"], result.payload) == (0, b"before\n")
    agent.call("kill", all=True)


def test_what_a_program_printed_last_is_not_lost(agent: AgentInside) -> None:
    for _ in range(20):
        assert len(agent.run(*python("import os; os.write(1, b'x' * 65536)")).payload) == 65536


def test_told_programs_are_forgotten_in_the_end(agent: AgentInside) -> None:
    first = agent.run("true")
    for _ in range(40):
        agent.run("true")
    with pytest.raises(Refused) as refused:
        agent.call("finish", proc=first["proc"], timeout_s=1)
    assert refused.value.kind == "missing"


def test_more_output_than_fits_the_agent_is_refused_beforehand(agent: AgentInside) -> None:
    started = [agent.spawn("sleep", "1000", output_cap=8 << 20) for _ in range(8)]
    with pytest.raises(Refused) as refused:
        agent.spawn("sleep", "1000", output_cap=8 << 20)
    assert refused.value.kind == "limit"
    assert agent.call("kill", all=True)["killed"] == len(started)


def test_requests_are_answered_out_of_turn(agent: AgentInside) -> None:
    started = agent.spawn("sleep", "1000")
    slow = agent.send("finish", proc=started["proc"], timeout_s=10)
    agent.call("ping")
    quick = agent.send("kill", proc=started["proc"])
    assert {agent.receive().header["id"] for _ in range(2)} == {slow, quick}


def test_the_memory_killer_takes_a_program_before_the_agent(agent: AgentInside) -> None:
    assert agent.run("cat", "/proc/self/oom_score_adj").payload == b"1000\n"


def test_a_program_is_nicer_than_the_agent(agent: AgentInside) -> None:
    own = os.getpriority(os.PRIO_PROCESS, agent.process.pid)
    assert int(agent.run("nice").payload) == min(19, own + 10)


@needs_root
def test_another_user_has_no_capability_and_can_gain_none(agent: AgentInside) -> None:
    result = agent.run("sh", "-c", "id -u; id -g; id -G; grep -E '^(Cap|NoNewPrivs)' /proc/self/status", **STUDENT)
    lines = result.payload.decode().splitlines()
    assert lines[:3] == ["4321", "4322", "4322"]
    values = dict(line.split(":\t") for line in lines[3:])
    assert values.pop("NoNewPrivs") == "1"
    assert values == dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), "0" * 16)


@needs_root
def test_another_user_can_open_its_standard_streams_by_name(agent: AgentInside) -> None:
    result = agent.run(
        "sh", "-c", "echo out > /dev/stdout; echo err > /dev/stderr; cat /dev/stdin", stdin="pipe", **STUDENT
    )
    assert (result["exit"], result.payload) == (0, b"out\nerr\n")


@needs_root
def test_another_user_enters_the_folder_with_its_own_rights(agent: AgentInside, open_folder: Path) -> None:
    (open_folder / "locked").mkdir(mode=0o700)
    with pytest.raises(Refused) as refused:
        agent.spawn("true", cwd=str(open_folder / "locked"), **STUDENT)
    assert refused.value.error["errno"] == 13


@needs_root
def test_another_user_can_neither_signal_nor_read_the_agent(agent: AgentInside) -> None:
    pid = agent.process.pid
    script = (
        f"kill -9 {pid} 2>/dev/null && echo killed; cat /proc/{pid}/environ 2>/dev/null; ls /proc/{pid}/fd 2>/dev/null"
    )
    assert agent.run("sh", "-c", script, **STUDENT).payload == b""
    agent.call("ping")


@needs_root
def test_another_user_can_not_execute_what_is_not_his(agent: AgentInside, open_folder: Path) -> None:
    program = open_folder / "prog"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o700)
    with pytest.raises(Refused) as refused:
        agent.spawn(str(program), **STUDENT)
    assert (refused.value.error["path"], refused.value.error["errno"]) == (str(program), 13)


@pytest.mark.skipif(os.getuid() == 0, reason="root can become another user")
def test_an_agent_that_is_not_root_says_so_when_it_shall_become_another_user(agent: AgentInside) -> None:
    with pytest.raises(Refused) as refused:
        agent.spawn("true", **STUDENT)
    assert (refused.value.kind, refused.value.error["errno"]) == ("os", 1)
