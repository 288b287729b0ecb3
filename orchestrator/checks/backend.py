"""testinfra over the agent: its own modules run their commands through it. The only import of testinfra."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import testinfra.backend.base
import testinfra.host

from orchestrator.agent.client import Agent
from orchestrator.agent.command import Command
from orchestrator.agent.notyet import NotYet
from orchestrator.checks import modules
from orchestrator.errors import AgentTimeout

COMMAND_S = 30.0
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}


class AgentBackend(testinfra.backend.base.BaseBackend):
    """Runs a module's commands in one container, as root, over its agent."""

    NAME = "ipclab"

    def __init__(self, place: str, agent: Callable[[], Agent]) -> None:
        """`agent` gives the agent of `place`, `HOST/CONTAINER`; it is asked for each command."""
        super().__init__(place)
        self.agent = agent
        self._encoding = "utf-8"

    def run(self, command: str, *args: str, **kwargs: Any) -> testinfra.backend.base.CommandResult:
        """The result of a shell command, its arguments quoted.

        Raises:
            AgentTimeout: It did not end within 30 s.
        """
        text = self.get_command(command, *args)
        try:
            result = self.agent().run(
                Command(("/bin/sh", "-c", text), env=ENVIRONMENT, uid=0, gid=0, umask=0o022, name="testinfra"),
                timeout_s=COMMAND_S,
            )
        except NotYet as late:
            raise AgentTimeout(f"{text!r} did not end within {COMMAND_S:.0f} s on {self.hostname}") from late
        status = 255 if result.exit is None else result.exit
        return self.result(status, self.encode(text), result.stdout, result.stderr)


class Host(testinfra.host.Host):
    """A host of a lab: testinfra's modules, those for IPC, its addresses, and its other containers.

    >>> alpha.file("/ipc/log").mode
    >>> alpha.sysv_shm(key=5678).nattch
    >>> alpha.in_("right").file("/tmp/x").exists
    """

    def __init__(
        self, place: str, agent: Callable[[str], Agent], ipv4: str, ipv6: str, around: modules.Surroundings
    ) -> None:
        """Seen from `place`, `HOST/CONTAINER`; addresses are empty for a host without a network."""
        super().__init__(AgentBackend(place, lambda: agent(place)))
        self.place = place
        self.ipv4 = ipv4
        self.ipv6 = ipv6
        self._agent_of = agent
        self._around = around

    def in_(self, container: str) -> Host:
        """The same host seen from another of its containers."""
        place = f"{self.place.partition('/')[0]}/{container}"
        return Host(place, self._agent_of, self.ipv4, self.ipv6, self._around)

    @property
    def agent(self) -> Agent:
        """The agent of this container, for what no module covers."""
        return self._agent_of(self.place)

    def __getattr__(self, name: str) -> Any:
        """A module: ours for IPC, else testinfra's."""
        if name in modules.BY_NAME:
            kind = modules.BY_NAME[name]
            return lambda *args, **match: kind(lambda: self.agent, self._around, *args, **match)
        return super().__getattr__(name)
