"""A session with the agent: greeting, errors, the end of the stream, and bytes that are no requests."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.agent.framing import PREFIX, VERSION, encode
from tests.unit.agent_inside import FOLDER, PATIENCE_S, AgentInside, Refused, is_running, python


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentInside]:
    with AgentInside((tmp_path,)) as agent:
        yield agent


def test_the_greeting_says_who_and_where_it_is(agent: AgentInside) -> None:
    hello = agent.hello.ok
    assert hello["version"] == VERSION
    assert hello["pid"] == agent.process.pid
    assert hello["uid"] == os.getuid()
    assert (hello["kernel"], hello["machine"]) == (os.uname().release, os.uname().machine)
    assert hello["ns"]["ipc"] == Path("/proc/self/ns/ipc").stat().st_ino
    assert hello["ns"].keys() == {"ipc", "net", "pid", "mnt", "uts", "user", "cgroup"}
    assert hello["init"]["argv"] == Path("/proc/1/cmdline").read_text().rstrip("\0").split("\0")


def test_a_ping_is_answered(agent: AgentInside) -> None:
    assert agent.call("ping").ok == {}


def test_many_requests_in_one_write_are_all_answered(agent: AgentInside) -> None:
    agent.write(b"".join(encode(agent.token, {"id": number, "op": "ping"}) for number in range(500)))
    assert sorted(agent.receive().header["id"] for _ in range(500)) == list(range(500))


def test_a_request_in_single_bytes_is_answered(agent: AgentInside) -> None:
    for byte in encode(agent.token, {"id": 1, "op": "ping"}):
        agent.write(bytes([byte]))
    assert agent.receive().header == {"id": 1, "ok": {}}


@pytest.mark.parametrize(
    "header",
    [
        {"op": "ping"},
        {"id": "1", "op": "ping"},
        {"id": True, "op": "ping"},
        {"id": 1},
        {"id": 1, "op": 7},
        {"id": 1, "op": "dance"},
        {"id": 1, "op": "hello", "version": VERSION},
        {"id": 1, "op": "facts"},
        {"id": 1, "op": "facts", "kind": "ghost"},
        {"id": 1, "op": "facts", "kind": "sysv_shm", "match": []},
        {"id": 1, "op": "facts", "kind": "sysv_shm", "match": {"sise": 1}},
        {"id": 1, "op": "facts", "kind": "file"},
        {"id": 1, "op": "facts", "kind": "file", "match": {"path": "/\0"}},
        {"id": 1, "op": "wait", "kind": "sysv_shm"},
        {"id": 1, "op": "wait", "kind": "sysv_shm", "timeout_s": -1},
        {"id": 1, "op": "wait", "kind": "sysv_shm", "timeout_s": True},
        {"id": 1, "op": "wait", "kind": "sysv_shm", "timeout_s": 1, "count": {"min": "1"}},
        {"id": 1, "op": "wait", "kind": "sysv_shm", "timeout_s": 1, "count": {"least": 1}},
        {"id": 1, "op": "snapshot", "kinds": "all"},
        {"id": 1, "op": "snapshot", "kinds": ["ghost"]},
        {"id": 1, "op": "spawn"},
        {"id": 1, "op": "spawn", "argv": []},
        {"id": 1, "op": "spawn", "argv": "ls"},
        {"id": 1, "op": "spawn", "argv": ["a\0b"]},
        {"id": 1, "op": "spawn", "argv": ["\ud800"]},
        {"id": 1, "op": "spawn", "argv": ["ls"], "env": {"A=B": "c"}},
        {"id": 1, "op": "spawn", "argv": ["ls"], "env": {"A": 1}},
        {"id": 1, "op": "spawn", "argv": ["ls"], "uid": -1},
        {"id": 1, "op": "spawn", "argv": ["ls"], "uid": 2**32},
        {"id": 1, "op": "spawn", "argv": ["ls"], "umask": 0o1000},
        {"id": 1, "op": "spawn", "argv": ["ls"], "stdin": "file"},
        {"id": 1, "op": "spawn", "argv": ["ls"], "stdin_open": True},
        {"id": 1, "op": "spawn", "argv": ["ls"], "limits": {"locks": 1}},
        {"id": 1, "op": "spawn", "argv": ["ls"], "limits": {"nofile": "64"}},
        {"id": 1, "op": "spawn", "argv": ["ls"], "output_cap": 1 << 30},
        {"id": 1, "op": "spawn", "argv": ["ls"], "deadline_s": 1e99},
        {"id": 1, "op": "run", "argv": ["ls"]},
        {"id": 1, "op": "signal", "pid": 1, "signal": 15},
        {"id": 1, "op": "signal", "pid": 2, "signal": 15, "to": "everybody"},
        {"id": 1, "op": "signal", "pid": 2, "signal": 65},
        {"id": 1, "op": "kill"},
        {"id": 1, "op": "put", "path": 1},
        {"id": 1, "op": "put", "path": "/x", "mode": 0o10000},
        {"id": 1, "op": "remove", "kind": "process", "identity": "1", "uid": 0, "gid": 0},
        {"id": 1, "op": "remove", "kind": "sysv_shm", "identity": "1", "uid": 0, "gid": 0},
        {"id": 1, "op": "remove", "kind": "posix_shm", "identity": "/a/b", "uid": 0, "gid": 0},
        {"id": 1, "op": "remove", "kind": "fifo", "identity": "/a"},
    ],
)
def test_a_wrong_request_is_refused_and_the_agent_goes_on(agent: AgentInside, header: dict[str, object]) -> None:
    agent.write(encode(agent.token, header))
    answer = agent.receive().header
    assert answer["error"]["kind"] == "usage", answer
    assert answer["error"]["what"]
    agent.call("ping")


@pytest.mark.parametrize("op", ["finish", "output", "stdin", "kill"])
def test_a_program_that_is_not_there_is_missing(agent: AgentInside, op: str) -> None:
    with pytest.raises(Refused) as refused:
        agent.call(op, proc=77, timeout_s=1)
    assert refused.value.kind == "missing"


def test_the_first_request_must_be_a_greeting(tmp_path: Path) -> None:
    agent = AgentInside((tmp_path,))
    agent.send("ping")
    assert agent.receive().header["error"]["kind"] == "usage"
    assert agent.wait_for_end() == 1


def test_a_greeting_in_another_version_is_refused(tmp_path: Path) -> None:
    agent = AgentInside((tmp_path,))
    agent.send("hello", version=VERSION + 1)
    assert agent.receive().header["error"]["kind"] == "usage"
    assert agent.wait_for_end() == 1


def test_the_end_of_its_input_ends_the_agent_and_all_that_it_started(agent: AgentInside) -> None:
    program = agent.spawn(*python("import os, time; os.fork() or os.setsid(); os.fork(); time.sleep(1000)"))
    pids = [fact["pid"] for fact in agent.wait("process", {"min": 4}, proc=program["proc"])]
    assert agent.end() == 0
    assert not any(map(is_running, pids))


def test_sigterm_ends_the_agent_and_all_that_it_started(agent: AgentInside) -> None:
    program = agent.spawn("sleep", "1000")
    agent.process.send_signal(signal.SIGTERM)
    assert agent.wait_for_end() == 0
    assert not is_running(program["pid"])


def test_a_program_dies_with_an_agent_that_was_killed(agent: AgentInside) -> None:
    program = agent.spawn("sleep", "1000")
    agent.process.kill()
    agent.process.wait(PATIENCE_S)
    watcher = os.pidfd_open(program["pid"]) if is_running(program["pid"]) else None
    if watcher is not None:
        assert select.select([watcher], [], [], PATIENCE_S)[0]
        os.close(watcher)


def test_a_reader_that_goes_away_ends_the_agent(agent: AgentInside) -> None:
    assert agent.process.stdout is not None
    program = agent.spawn("sleep", "1000")
    agent.process.stdout.close()
    agent.send("ping")
    assert agent.wait_for_end() == 1
    assert b"nobody reads" in agent.errors
    assert not is_running(program["pid"])


def test_answers_that_nobody_takes_are_kept_until_somebody_does(agent: AgentInside, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(1 << 20))
    numbers = [agent.send("get", path=str(tmp_path / "big")) for _ in range(8)]
    frames = [agent.receive() for _ in numbers]
    assert [frame.header["id"] for frame in frames] == numbers
    assert {len(frame.payload) for frame in frames} == {1 << 20}


def test_standard_input_must_be_something_that_can_be_waited_for() -> None:
    argv = [sys.executable, "-I", "-S", "-B", str(FOLDER)]
    ended = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S, check=False)
    assert ended.returncode == 2
    assert b"standard input" in ended.stderr


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    garbage=st.binary(max_size=200)
    | st.builds(
        lambda head, payload: PREFIX.pack(bytes(16), len(head), len(payload)) + head + payload,
        *[st.binary(max_size=40)] * 2,
    ),
    greeted=st.booleans(),
)
def test_an_agent_that_is_fed_garbage_ends_or_answers_an_error(tmp_path: Path, garbage: bytes, greeted: bool) -> None:
    agent = AgentInside((tmp_path,), token=bytes(16))
    if greeted:
        agent.call("hello", version=VERSION)
    agent.write(garbage)
    status = agent.end()
    assert status in (0, 1)
    assert (status == 0) == (not agent.errors)
    assert b"Traceback" not in agent.errors


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(
            ["op", "kind", "match", "count", "timeout_s", "kinds", "path", "max", "proc", "pid", "close", "to"]
        ),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.sampled_from(["facts", "wait", "snapshot", "get", "output", "sysv_shm", "process", "tcp", "/", "all"])
            | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["pid", "key", "in", "ge", "contains", "length", "min", "path"]), inner, max_size=3
                )
            ),
            max_leaves=6,
        ),
    )
)
def test_whatever_is_asked_is_answered_without_a_bug(shared: AgentInside, fields: dict[str, object]) -> None:
    timeout_s = fields.get("timeout_s")
    if isinstance(timeout_s, int | float) and timeout_s > 0.05:
        fields["timeout_s"] = 0.05
    shared.write(encode(shared.token, {**fields, "id": 1}))
    answer = shared.receive().header
    assert answer["id"] == 1
    assert answer.get("error", {}).get("kind") != "internal", answer


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentInside]:
    with AgentInside((tmp_path_factory.mktemp("channels"),)) as agent:
        yield agent
