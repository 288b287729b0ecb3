"""One instance of a lab, live: its hosts are up and whole, and each container has an agent to speak with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Self

from orchestrator import lifecycle
from orchestrator.agent.client import Agent
from orchestrator.agent.command import Command
from orchestrator.agent.pool import AgentPool
from orchestrator.engine.base import Engine
from orchestrator.errors import IntegrityError
from orchestrator.labels import InstanceName
from orchestrator.pace import Pace
from orchestrator.spec.load import LabDefinition
from orchestrator.workspace import STUDENT_GID
from orchestrator.world import ContainerSpec, Desired, Limits

NAMESPACE_OF = {"sysv_shm": "ipc", "sysv_sem": "ipc", "sysv_msg": "ipc", "posix_shm": "ipc", "posix_sem": "ipc",
                "posix_mq": "ipc", "tcp": "net", "udp": "net", "unix_socket": "net", "process": "pid"}  # fmt: skip
"""Which shared namespace makes two containers of a host see the same objects of a kind."""


START_LIMIT_S = 30.0
"""The longest that a program may take by which the machine's pace is measured."""


@dataclass(frozen=True, slots=True)
class User:
    """Who a program runs as, inside containers."""

    name: str
    uid: int
    gid: int


JUDGED = User("judged", 1998, STUDENT_GID)
"""Runs the programs of a submission: it has the group of the student who works in a shell, and not the files."""
PEER = User("peer", 1999, STUDENT_GID)
ROOT = User("root", 0, 0)
"""Who the agent is: it may signal every program."""


@dataclass(slots=True)
class Session:
    """A live instance. A place is `HOST/CONTAINER`."""

    engine: Engine
    definition: LabDefinition
    name: InstanceName
    desired: Desired
    pool: AgentPool
    addresses: Mapping[str, str] = field(default_factory=dict)
    """`HOST.ipv4` and `HOST.ipv6` of every host that is in a network (its first one)."""
    pace: Pace = field(init=False)

    def __post_init__(self) -> None:
        """Have the machine's pace measured in the first container, when somebody asks for it."""
        self.pace = Pace(self._took_s)

    @classmethod
    def open(
        cls,
        definition: LabDefinition,
        name: InstanceName,
        *,
        exercises: Collection[str] | None = None,
        base_image: str | None = None,
        as_is: bool = False,
    ) -> Self:
        """Bring an instance up if it is not, start its agents, and see that its hosts are what they claim to be.

        With `exercises`, hosts that none of these needs are not made. `base_image` is what images are built on.
        With `as_is` somebody else brought it up, under our names and with the definition's own addresses.

        Raises:
            MachineError: The engine or the machine is in the way.
            IntegrityError: A container is not in its sandbox's namespaces.
        """
        engine = lifecycle.connect()
        if as_is:
            desired = lifecycle.as_defined(engine, definition, name)
        else:
            desired = lifecycle.bring_up(engine, definition, name, exercises, base_image)
        addresses = {
            f"{sandbox.host}.{family}": getattr(attachment, family)
            for sandbox in desired.sandboxes
            for attachment in sandbox.attachments[:1]
            for family in ("ipv4", "ipv6")
        }
        session = cls(engine, definition, name, desired, AgentPool(engine), addresses=addresses)
        session.verify()
        session.pace.keep()
        return session

    def agent(self, place: str) -> Agent:
        """The agent of a container."""
        return self.pool.get(self.name.named(*place.split("/")))

    def serves(self, exercises: Collection[str]) -> bool:
        """Whether it has all hosts that these exercises need."""
        there = {sandbox.host for sandbox in self.desired.sandboxes}
        hosts = self.definition.lab.hosts.items()
        return all(host in there for host, one in hosts if not one.only_for or {*one.only_for} & {*exercises})

    def host_of(self, place: str) -> str:
        """The host of a place."""
        return place.partition("/")[0]

    def scope_of(self, place: str, kind: str) -> str:
        """Where facts of a kind are the same: the host, or the place alone when it does not share the namespace."""
        host = self.host_of(place)
        namespace = NAMESPACE_OF.get(kind)
        alone = namespace is not None and namespace not in self.definition.lab.hosts[host].share
        return place if alone else host

    def limits(self, place: str) -> Limits:
        """What a container may take."""
        return self._spec(place).limits

    def ran_out_of_memory(self, place: str) -> bool:
        """Whether the engine knows that programs of a container were killed because its memory was full."""
        return self.engine.ran_out_of_memory(self._spec(place).name)

    def _spec(self, place: str) -> ContainerSpec:
        host, _, container = place.partition("/")
        return next(spec for spec in self.desired.containers if (spec.host, spec.container) == (host, container))

    def verify(self) -> None:
        """Compare every container's namespaces with its sandbox's.

        Raises:
            IntegrityError: One that the container should share differs.
        """
        containers = self.desired.containers
        # A sandbox that shares its PID namespace is its containers' process 1; others are asked themselves.
        asked = {spec.sandbox for spec in containers if "pid" not in spec.share and spec.share}
        self.pool.start_all([*(spec.name for spec in containers), *sorted(asked)])
        for spec in containers:
            hello = self.pool.get(spec.name).hello
            if "pid" in spec.share:
                self._expect_init(spec.name, spec.host, hello.init_argv)
                theirs = hello.init_ns
            elif spec.share:
                theirs = self.pool.get(spec.sandbox).hello.ns
            else:
                continue
            for namespace in sorted(spec.share):
                if hello.ns[namespace] != theirs[namespace]:
                    raise IntegrityError(
                        f"{spec.host}/{spec.container} is in another {namespace} namespace than its sandbox",
                        fix=f"ipclab down {self.name.lab} && ipclab up {self.name.lab}",
                    )

    @property
    def scale(self) -> float:
        """How much longer things may take here than on an idle machine: deadlines are multiplied by it."""
        return self.pace.scale

    def _took_s(self, argv: tuple[str, ...]) -> float:
        agent = self.pool.get(self.desired.containers[0].name)
        return agent.run(Command(argv), START_LIMIT_S).wall_s

    def _expect_init(self, name: str, host: str, argv: tuple[str, ...]) -> None:
        if argv[1:3] != ("sandbox", host):
            raise IntegrityError(
                f"process 1 of {name} is not the sandbox of {host} but {' '.join(argv)!r}",
                fix=f"ipclab down {self.name.lab} && ipclab up {self.name.lab}",
            )

    def close(self, *, down: bool = False) -> None:
        """End the agents, with everything that they started; `down` takes the instance down, too."""
        self.pool.close()
        if down:
            lifecycle.down(self.engine, self.name)
        self.engine.close()
