"""Our side of one agent: what can be asked of it, as typed calls.

    agent = Agent.start(engine, "ipclab.lab-11.main.alpha.left")
    server = agent.spawn(Command(("/build/server", "5678", "27")))
    (segment,) = agent.wait(SysvShm, 5.0, key=5678, nattch=1)

Framing, deadlines and broken streams are `channel`'s; what facts mean is theirs. Every call has a deadline. Calls from
several threads take turns, so a long `wait` holds up the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, Self, Unpack

from orchestrator.agent.channel import Channel, Reply
from orchestrator.agent.command import Command
from orchestrator.agent.content import Content
from orchestrator.agent.fact import Fact, Removal
from orchestrator.agent.files import File
from orchestrator.agent.framing import PAYLOAD_LIMIT_BYTES, VERSION
from orchestrator.agent.hello import Hello
from orchestrator.agent.match import AtLeast, Count, wire_match
from orchestrator.agent.notyet import NotYet
from orchestrator.agent.process import KILL_TIMEOUT_S, Process, To
from orchestrator.agent.result import Result, Survivor
from orchestrator.agent.snapshot import KINDS, AnyFact, Snapshot
from orchestrator.engine.base import Engine, ExecStream
from orchestrator.errors import AgentGone, AgentRefused, ObjectConflict, ObjectMissing

ARGV: Final = ("python3", "-I", "-S", "-B", "/usr/lib/ipclab/agent")
TIMEOUT_S: Final = 5.0
START_TIMEOUT_S: Final = 10.0
REMOVAL_TIMEOUT_S: Final = 30.0
"""Of thousands of files, or of a folder that holds them."""
SOME: Final = AtLeast(1)
_TIMED: Final = frozenset({"finish", "wait", "run"})
"""Operations that the agent itself ends after `timeout_s`."""


class Agent:
    """One agent, greeted and ready."""

    def __init__(self, channel: Channel, hello: Hello) -> None:
        """Made by `start` and `over`."""
        self._channel = channel
        self.hello = hello

    @classmethod
    def start(cls, engine: Engine, container: str, *, timeout_s: float = START_TIMEOUT_S) -> Self:
        """Start the agent of a running container with one exec, and greet it.

        Raises:
            AgentGone: The container is absent or does not run, or the agent ended at once.
            AgentTimeout: It did not answer in time.
            AgentProtocol: Something else answered.
        """
        try:
            stream = engine.open_exec(container, ARGV, user="0")
        except (ObjectMissing, ObjectConflict) as error:
            fix = "Run `ipclab up`: it makes and starts what is missing."
            raise AgentGone(f"no agent can be started in {container}: {error.what}", fix=fix) from error
        return cls.over(stream, timeout_s, container=container)

    @classmethod
    def over(cls, stream: ExecStream, timeout_s: float = START_TIMEOUT_S, *, container: str = "this process") -> Self:
        """Greet the agent at the other end of `stream`, which is closed when that fails."""
        channel = Channel(stream, container)
        try:
            reply = channel.ask("hello", {"version": VERSION}, b"", timeout_s)
            with channel.understood():
                hello = Hello.from_fields(reply.fields)
        except BaseException:
            channel.close()
            raise
        return cls(channel, hello)

    @property
    def container(self) -> str:
        """The engine's name of its container."""
        return self._channel.place

    @property
    def broken(self) -> bool:
        """Whether every call from now on raises AgentGone."""
        return self._channel.broken

    def call(self, op: str, payload: bytes = b"", *, timeout_s: float = TIMEOUT_S, **fields: object) -> Reply:
        """The answer to one request in the agent's language.

        Raises:
            AgentRefused: The agent could not do it: its `kind` is `usage`, `missing`, `limit`, `os` or `timeout`.
            AgentTimeout: No answer came within `timeout_s` and five seconds.
            AgentGone: The agent has ended, now or earlier.
            AgentProtocol: What came is not its language.
        """
        if op in _TIMED:
            fields["timeout_s"] = timeout_s
        return self._channel.ask(op, fields, payload, timeout_s)

    def in_time(
        self, op: str, what: str, fields: Mapping[str, object], payload: bytes = b"", *, timeout_s: float
    ) -> Reply:
        """The answer to a request that may be in vain.

        Raises:
            NotYet: `what`, in words, was so after `timeout_s`; carries a snapshot of that moment.
        """
        try:
            return self._channel.ask(op, {**fields, "timeout_s": timeout_s}, payload, timeout_s)
        except AgentRefused as error:
            if error.kind != "timeout":
                raise
            raise self._not_yet(what, error.answer, KINDS.get(str(fields.get("kind")))) from error

    def understood(self) -> AbstractContextManager[None]:
        """Around reading an answer's fields: raises AgentProtocol when they are not what they should be."""
        return self._channel.understood()

    def spawn(self, command: Command) -> Process:
        """Start a program; it runs on until it ends, is killed, or the agent ends."""
        reply = self._channel.ask("spawn", command.wire(), command.payload, TIMEOUT_S)
        with self.understood():
            return Process(self, command, reply.fields["proc"], reply.fields["pid"])

    def run(self, command: Command, timeout_s: float) -> Result:
        """Start a program and wait for its end, in one round trip.

        Raises:
            NotYet: It had not ended after `timeout_s`; it has been killed.
        """
        what = f"{command.title} has not ended after {timeout_s:g} s"
        try:
            reply = self.in_time("run", what, command.wire(), command.payload, timeout_s=timeout_s)
        except NotYet as late:
            self._kill_late(late)
            raise
        with self.understood():
            return Result.from_fields(reply.fields, reply.payload)

    def facts(self, kind: type[AnyFact], **match: object) -> tuple[AnyFact, ...]:
        """The facts of one kind that match: field=value, or field=condition (see `match`)."""
        reply = self._channel.ask("facts", {"kind": kind.kind, "match": wire_match(match)}, b"", TIMEOUT_S)
        return self._facts_in(kind, reply)

    def wait(
        self, kind: type[AnyFact], timeout_s: float, *, count: Count = SOME, **match: object
    ) -> tuple[AnyFact, ...]:
        """The facts of one kind that match, as soon as there are `count` of them.

        Raises:
            NotYet: There were not, after `timeout_s`; carries those that there were, and a snapshot.
        """
        what = f"what was awaited of {kind.kind} was not so after {timeout_s:g} s"
        fields = {"kind": kind.kind, "match": wire_match(match), "count": count.wire()}
        return self._facts_in(kind, self.in_time("wait", what, fields, timeout_s=timeout_s))

    def snapshot(self, *kinds: type[Fact]) -> Snapshot:
        """Every kind of fact at this moment, or only those of `kinds`."""
        wanted = {"kinds": [kind.kind for kind in kinds]} if kinds else {}
        reply = self._channel.ask("snapshot", wanted, b"", TIMEOUT_S)
        with self.understood():
            return Snapshot.from_answer(reply.fields)

    def signal(self, pid: int, number: int, to: To = "process") -> int:
        """How many processes got the signal: any process in sight, not only a program of ours."""
        reply = self.call("signal", pid=pid, signal=int(number), to=to)
        with self.understood():
            return int(reply.fields["count"])

    def kill_all(self) -> tuple[Survivor, ...]:
        """Kill everything that descends from the agent; gives what had outlived its program. None is left then."""
        reply = self.call("kill", timeout_s=KILL_TIMEOUT_S, all=True)
        with self.understood():
            return Survivor.each(reply.fields["survivors"])

    def put(
        self, path: str, data: bytes, *, mode: int = 0o644, uid: int = 0, gid: int = 0, parents: bool = False
    ) -> None:
        """Write a file, with the folders above it if `parents`."""
        self.call("put", data, path=path, mode=mode, uid=uid, gid=gid, parents=parents)

    def get(self, path: str, *, cap_bytes: int = PAYLOAD_LIMIT_BYTES) -> Content:
        """A file's bytes, its size, mode and owner.

        Raises:
            AgentRefused: It can't be read (`os`), or is longer than `cap_bytes` (`limit`).
        """
        reply = self.call("get", path=path, max=cap_bytes)
        with self.understood():
            found = reply.fields
            return Content(reply.payload, found["size"], found["mode"], found["uid"], found["gid"])

    def remove(self, **removal: Unpack[Removal]) -> None:
        """Remove a leftover object as its owner would: `agent.remove(**fact.removal())`. One that is gone is fine.

        Raises:
            AgentRefused: Its owner may not.
        """
        self._channel.ask("remove", removal, b"", TIMEOUT_S)

    def remove_all(self, facts: Iterable[Fact]) -> None:
        """Remove leftover objects as their owners would, those of one kind and owner in one go; absent ones are fine.

        Raises:
            AgentRefused: An owner may not.
        """
        removals = [removal for fact in facts if (removal := fact.removal()) is not None]
        groups: dict[tuple[str, int, int], list[str | int]] = {}
        for one in removals:
            groups.setdefault((one["kind"], one["uid"], one["gid"]), []).append(one["identity"])
        for (kind, uid, gid), identities in groups.items():
            self.call("remove", timeout_s=REMOVAL_TIMEOUT_S, kind=kind, uid=uid, gid=gid, identities=identities)

    def remove_tree(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it, as its owner would; an absent one is fine."""
        for file in self.facts(File, path=path):
            self.remove(kind=file.kind, identity=path, uid=file.uid, gid=file.gid)

    def ping(self, *, timeout_s: float = TIMEOUT_S) -> None:
        """Come back when the agent has answered."""
        self.call("ping", timeout_s=timeout_s)

    def close(self) -> None:
        """Let the agent go: it kills everything that it started. Closing twice does no harm."""
        self._channel.close()

    def __enter__(self) -> Self:
        """The agent itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _facts_in(self, kind: type[AnyFact], reply: Reply) -> tuple[AnyFact, ...]:
        with self.understood():
            return tuple(map(kind.from_fields, reply.fields["facts"]))

    def _not_yet(self, what: str, answer: Mapping[str, Any], kind: type[Fact] | None) -> NotYet:
        """What the agent says of a wait in vain; the moment's snapshot is taken now if it did not send one."""
        taken = None if "snapshot" in answer else self.snapshot()
        with self.understood():
            snapshot = taken or Snapshot.from_fields(answer["snapshot"])
            facts = () if kind is None else tuple(map(kind.from_fields, answer.get("facts", ())))
        return NotYet(what, snapshot, facts=facts, number=answer.get("proc"))

    def _kill_late(self, late: NotYet) -> None:
        if late.number is not None:
            self.call("kill", timeout_s=KILL_TIMEOUT_S, proc=late.number)
