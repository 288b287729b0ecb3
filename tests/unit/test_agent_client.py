"""Our side of the agent, against a scripted one: answers in pieces, broken streams, deadlines, turns."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.agent import PIPE, Agent, Command, NotYet
from orchestrator.agent.facts import Process, SysvShm
from orchestrator.agent.match import AtLeast, AtMost, Between, Contains, Exactly, Ge, In, Le, Length, Ne
from orchestrator.agent.scripted import GREETING, ScriptedStream, answers, refusal
from orchestrator.errors import AgentError, AgentGone, AgentProtocol, AgentRefused, AgentTimeout, ObjectMissing

SEGMENT = {
    "key": 5678, "id": 3, "size": 27, "mode": 0o660, "uid": 1000, "gid": 1000, "cuid": 1000, "cgid": 1000, "cpid": 7,
    "lpid": 8, "nattch": 1, "dest": False, "locked": False, "rss": 4096, "swap": 0, "atime": 1, "dtime": 0, "ctime": 1,
    "attached": [7],
}  # fmt: skip
RESULT = {
    "proc": 1, "pid": 12, "exit": 0, "signal": None, "timed_out": False, "output_killed": False, "wall_s": 0.5,
    "user_s": 0.1, "system_s": 0.2, "max_rss_bytes": 1 << 20, "voluntary_switches": 3, "involuntary_switches": 4,
    "stdout_total": 5, "stderr_total": 3, "stdout": 5, "stderr": 3, "at_kill": [],
}  # fmt: skip
EMPTY = {"facts": {}, "truncated": [], "unavailable": {}}
SPAWNED = {"proc": 1, "pid": 12}


def agent_that(**by_op: object) -> Agent:
    return Agent.over(ScriptedStream(answers(**by_op)))  # type: ignore[arg-type]


def test_the_greeting_is_kept() -> None:
    agent = Agent.over(ScriptedStream(answers()), container="ipclab.lab-11.main.alpha.left")
    assert agent.hello.pid == 7
    assert agent.hello.init_argv[1:] == ("sandbox", "alpha")
    assert agent.container == "ipclab.lab-11.main.alpha.left"


def test_a_fact_is_typed() -> None:
    (segment,) = agent_that(facts={"facts": [SEGMENT], "truncated": False}).facts(SysvShm, key=5678)
    assert (segment.key, segment.size, segment.attached) == (5678, 27, (7,))


@settings(deadline=None)
@given(st.lists(st.integers(min_value=1, max_value=97), min_size=1, max_size=20), st.binary(max_size=3000))
def test_an_answer_may_come_in_any_pieces(pieces: Sequence[int], payload: bytes) -> None:
    stream = ScriptedStream(
        answers(get=({"ok": {"size": len(payload), "mode": 0, "uid": 0, "gid": 0}}, payload)), pieces=pieces
    )
    agent = Agent.over(stream)
    assert [agent.get("/x").data for _ in range(3)] == [payload] * 3


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=700))
def test_a_stream_may_end_anywhere(length: int) -> None:
    stream = ScriptedStream(
        answers(facts={"facts": [SEGMENT], "truncated": False}), ends_after=length, stderr=b"oh\x1b no", exit_code=137
    )
    with pytest.raises(AgentGone) as caught:
        Agent.over(stream).facts(SysvShm)
    assert caught.value.what == r"the agent in this process is gone, ended by SIGKILL; it said last: oh\x1b no"
    assert "ipclab up" in caught.value.fix
    assert stream.closed


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=200), st.sampled_from(["before", "instead", "after"]))
def test_rubbish_on_the_stream_is_an_error_of_the_tree(rubbish: bytes, where: str) -> None:
    placed = {"before": lambda frame: rubbish + frame, "instead": lambda frame: rubbish, "after": lambda f: f + rubbish}
    stream = ScriptedStream(answers(), spoil=placed[where])
    try:
        agent = Agent.over(stream)
        agent.ping()
    except AgentError:
        assert stream.closed
    else:  # one chance in 256: what came after looks like the start of a token
        assert where == "after"


def test_what_is_not_the_language_is_shown_without_its_escapes() -> None:
    stream = ScriptedStream(answers(), spoil=lambda frame: b"OCI runtime \x1b[31mexec failed")
    with pytest.raises(AgentProtocol, match=r"not its language: .*OCI runtime \\\\x1b\[31mexec failed"):
        Agent.over(stream)


@pytest.mark.parametrize(
    "answer",
    [
        {"id": 99, "ok": {}},
        {"id": None, "error": {"kind": "usage", "what": "?"}},
        {"ok": []},
        {"error": "no"},
        {},
    ],
)
def test_an_answer_that_is_none_is_a_protocol_error(answer: dict[str, object]) -> None:
    agent = agent_that(ping=(answer, b""))
    with pytest.raises(AgentProtocol):
        agent.ping()
    assert agent.broken


@pytest.mark.parametrize("facts", [[{"key": 1}], [5], 5, None, [{**SEGMENT, "attached": 5}]])
def test_facts_that_make_no_sense_are_a_protocol_error(facts: object) -> None:
    agent = agent_that(facts={"facts": facts, "truncated": False})
    with pytest.raises(AgentProtocol, match="makes no sense"):
        agent.facts(SysvShm)
    assert agent.broken


def test_a_greeting_that_lacks_a_field_is_a_protocol_error() -> None:
    stream = ScriptedStream(answers(hello={**GREETING, "init": {}}))
    with pytest.raises(AgentProtocol):
        Agent.over(stream)
    assert stream.closed


def test_silence_ends_with_the_operation_and_the_container() -> None:
    stream = ScriptedStream(lambda header, payload: ({"ok": GREETING}, b"") if header["op"] == "hello" else None)
    agent = Agent.over(stream, container="alpha.left")
    with pytest.raises(AgentTimeout, match=r"the agent in alpha\.left did not answer `snapshot` within 10\.0 s"):
        agent.snapshot()
    assert stream.closed


def test_a_broken_agent_raises_at_once_and_sends_nothing() -> None:
    stream = ScriptedStream(lambda header, payload: ({"ok": GREETING}, b"") if header["op"] == "hello" else None)
    agent = Agent.over(stream)
    with pytest.raises(AgentTimeout):
        agent.ping()
    sent = len(stream.requests)
    with pytest.raises(AgentGone, match=r"can't be asked any more: .*did not answer `ping`"):
        agent.ping()
    assert len(stream.requests) == sent


def test_an_agent_that_was_closed_raises_at_once() -> None:
    agent = agent_that()
    agent.close()
    agent.close()
    with pytest.raises(AgentGone, match="let go"):
        agent.ping()


class InterruptedStream(ScriptedStream):
    """Interrupts its reader once it has been told to."""

    interrupts = False

    def read(self, timeout_s: float | None) -> bytes:
        if self.interrupts:
            raise KeyboardInterrupt
        return super().read(timeout_s)


def test_an_interrupt_in_the_middle_of_a_call_breaks_the_agent() -> None:
    stream = InterruptedStream(answers())
    agent = Agent.over(stream)
    stream.interrupts = True
    with pytest.raises(KeyboardInterrupt):
        agent.ping()
    assert stream.closed
    with pytest.raises(AgentGone, match="interrupted"):
        agent.ping()


@pytest.mark.parametrize("kind", ["usage", "missing", "limit", "os", "timeout"])
def test_a_refusal_tells_its_kind_and_leaves_the_agent_whole(kind: str) -> None:
    agent = agent_that(spawn=refusal(kind, "no such file\x1b", path="/x", errno=2))
    with pytest.raises(AgentRefused, match=r"refused `spawn`: no such file\\x1b") as caught:
        agent.spawn(Command(("/x",)))
    assert (caught.value.kind, caught.value.answer["path"], caught.value.exit_code) == (kind, "/x", 3)
    agent.ping()


def test_a_request_that_fits_no_frame_is_not_sent() -> None:
    agent = agent_that()
    with pytest.raises(ValueError, match="payload"):
        agent.put("/x", bytes(16 * 2**20 + 1))
    agent.ping()


def test_threads_take_turns() -> None:
    stream = ScriptedStream(lambda header, payload: ({"ok": GREETING | {"size": 0}}, payload), pieces=[5])
    agent = Agent.over(stream)
    wrong: list[bytes] = []

    def ask(name: bytes) -> None:
        wrong.extend(name for _ in range(50) if agent.call("put", name).payload != name)

    threads = [threading.Thread(target=ask, args=(b"%d" % number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert [header["id"] for header in stream.requests] == list(range(1, 202))


def test_conditions_have_the_agents_form() -> None:
    stream = ScriptedStream(answers(wait={"facts": [SEGMENT], "truncated": False}))
    Agent.over(stream).wait(
        SysvShm, 2.0, count=Exactly(1), key=5678, size=Ge(27), nattch=Between(1, 2), mode=In(0o660, 0o600),
        attached=Contains(7), cpid=Ne(0), local__port=Le(9), open=Length(2),
    )  # fmt: skip
    assert stream.requests[-1] == {
        "id": 2,
        "op": "wait",
        "kind": "sysv_shm",
        "timeout_s": 2.0,
        "count": {"min": 1, "max": 1},
        "match": {
            "key": 5678,
            "size": {"ge": 27},
            "nattch": {"ge": 1, "le": 2},
            "mode": {"in": [0o660, 0o600]},
            "attached": {"contains": 7},
            "cpid": {"ne": 0},
            "local.port": {"le": 9},
            "open": {"length": 2},
        },
    }
    assert (AtLeast(2).wire(), AtMost(0).wire()) == ({"min": 2}, {"min": 0, "max": 0})


def test_a_wait_in_vain_carries_the_last_facts_and_a_snapshot() -> None:
    agent = agent_that(wait=refusal("timeout", "not so", facts=[SEGMENT], snapshot={"sysv_shm": [SEGMENT]}))
    with pytest.raises(NotYet) as caught:
        agent.wait(SysvShm, 0.5, nattch=2)
    (fact,) = caught.value.facts
    assert isinstance(fact, SysvShm)
    assert caught.value.snapshot.sysv_shm == (fact,)
    agent.ping()


def test_a_program_that_has_not_ended_comes_with_a_snapshot_of_now() -> None:
    agent = agent_that(spawn=SPAWNED, finish=refusal("timeout", "runs", proc=1, pid=12), snapshot=EMPTY)
    process = agent.spawn(Command(("/build/server",)))
    with pytest.raises(NotYet, match=r"server has not ended after 0\.5 s"):
        process.wait(0.5)
    assert process.running()


def test_a_run_that_takes_too_long_is_killed() -> None:
    stream = ScriptedStream(
        answers(run=refusal("timeout", "runs", proc=9, pid=12), snapshot=EMPTY, kill={"survivors": [], "killed": 1})
    )
    with pytest.raises(NotYet):
        Agent.over(stream).run(Command(("/build/server",)), 0.5)
    assert stream.requests[-1] == {"id": 4, "op": "kill", "proc": 9}


def test_a_result_is_asked_for_once() -> None:
    stream = ScriptedStream(answers(spawn=SPAWNED, finish=({"ok": RESULT}, b"hello" + b"err")))
    process = Agent.over(stream).spawn(Command(("/build/client", "1"), name="client"))
    result = process.wait(1.0)
    assert (result.stdout, result.stderr, result.ok, result.exit) == (b"hello", b"err", True, 0)
    assert result.cpu_s == pytest.approx(0.3)
    assert process.wait(1.0) is result
    assert process.output() == result.output
    assert not process.running()
    assert [header["op"] for header in stream.requests] == ["hello", "spawn", "finish"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "exit 0 after 0.50 s"),
        ({"exit": 1}, "exit 1 after 0.50 s"),
        ({"exit": None, "signal": 11}, "ended by SIGSEGV after 0.50 s"),
        ({"exit": None, "signal": 35}, "ended by SIGRTMIN+1 after 0.50 s"),
        ({"exit": None, "signal": 33}, "ended by signal 33 after 0.50 s"),
        ({"exit": None, "signal": 9, "timed_out": True}, "killed after 0.50 s, when its time was up"),
        (
            {"exit": None, "signal": 9, "output_killed": True, "stdout_total": 70000},
            "killed after 0.50 s, when it had printed 70003 bytes",
        ),
    ],
)
def test_a_result_says_how_the_program_ended(fields: dict[str, object], words: str) -> None:
    agent = agent_that(run=({"ok": RESULT | fields}, b"hello" + b"err"))
    assert str(agent.run(Command(("/x",)), 1.0)) == words


def test_a_command_carries_everything_that_a_program_inherits() -> None:
    stream = ScriptedStream(answers(spawn=SPAWNED))
    Agent.over(stream).spawn(
        Command(
            ("/b/c", "\udcff"),
            {"A": "1"},
            "/tmp",
            1000,
            1000,
            0o27,
            b"in",
            {"core": 0},
            ("net_raw",),
            (1,),
            2.0,
            10,
            20,
        )
    )
    assert stream.requests[-1] == {
        "id": 2, "op": "spawn", "argv": ["/b/c", "\udcff"], "env": {"A": "1"}, "cwd": "/tmp", "uid": 1000, "gid": 1000,
        "umask": 0o27, "stdin": "pipe", "stdin_open": False, "limits": {"core": 0}, "grants": ["net_raw"],
        "cpus": [1], "deadline_s": 2.0, "output_cap": 10, "output_kill": 20, "name": "c",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("stdin", "wire"), [(None, (None, False)), (PIPE, ("pipe", True)), (b"", ("pipe", False)), (b"x", ("pipe", False))]
)
def test_standard_input_is_empty_given_or_open(stdin: bytes | None, wire: tuple[object, bool]) -> None:
    fields = Command(("/x",), stdin=stdin).wire()
    assert (fields["stdin"], fields["stdin_open"]) == wire


def test_survivors_are_told_in_words() -> None:
    survivor = {"pid": 9, "argv": ["server", "\x1b[2J"], "state": "S", "proc": 1}
    (found,) = agent_that(kill={"survivors": [survivor], "killed": 1}).kill_all()
    assert found.describe() == r"process 9 `server \x1b[2J`"


def test_a_leftover_is_removed_by_what_its_fact_says() -> None:
    stream = ScriptedStream(answers(facts={"facts": [SEGMENT], "truncated": False}, remove={"removed": True}))
    agent = Agent.over(stream)
    removal = agent.facts(SysvShm)[0].removal()
    assert removal is not None
    agent.remove(**removal)
    assert stream.requests[-1] == {
        "id": 3, "op": "remove", "kind": "sysv_shm", "identity": 3, "uid": 1000, "gid": 1000
    }  # fmt: skip


def test_an_absent_tree_is_not_removed() -> None:
    stream = ScriptedStream(answers(facts={"facts": [], "truncated": False}))
    Agent.over(stream).remove_tree("/tmp/build")
    assert stream.requests[-1]["op"] == "facts"


def test_a_snapshot_tells_what_is_missing_from_it() -> None:
    agent = agent_that(
        snapshot={"facts": {"sysv_shm": [SEGMENT], "new": [1]}, "truncated": ["pipe"], "unavailable": {"tcp": "EPERM"}}
    )
    snapshot = agent.snapshot(SysvShm, Process)
    assert [fact.kind for fact in snapshot] == ["sysv_shm"]
    assert snapshot.truncated == {"pipe"}
    assert snapshot.unavailable == {"tcp": "EPERM"}


class NoContainers:
    """An engine without containers."""

    def open_exec(self, container: str, argv: Sequence[str], *, user: str) -> object:
        raise ObjectMissing(f"no such container: {container}")


def test_an_agent_can_not_be_started_in_a_container_that_is_not_there() -> None:
    with pytest.raises(AgentGone, match=r"no agent can be started in alpha\.left: no such container"):
        Agent.start(NoContainers(), "alpha.left")  # type: ignore[arg-type]
