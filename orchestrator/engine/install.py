"""An engine where none answers: on a Debian machine that is ours to change it is installed and started.

What to do is decided by `decide`, which touches nothing; `ensure_engine` does it. Speaking to an engine is `docker`'s.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from orchestrator.engine import apt
from orchestrator.engine.base import Engine, Progress
from orchestrator.engine.command import Runner, run
from orchestrator.engine.daemon import Daemon, Starter, start
from orchestrator.engine.endpoint import DEFAULT_URL, Endpoint, find_endpoint
from orchestrator.engine.machine import Machine, this_machine
from orchestrator.errors import EngineUnavailable

SomeEngine = TypeVar("SomeEngine", bound=Engine)

PATIENCE_S = 60.0
"""From the start of the engine to its first answer: 1 s on an idle machine, more while it tries storage drivers."""
POLL_S = 0.2
ANYWHERE = "install Docker Engine 20.10 or newer (https://docs.docker.com/engine/install/) and start it"
COMMANDS = {
    "fedora": "sudo dnf install moby-engine && sudo systemctl enable --now docker",
    "rhel": "sudo dnf install docker-ce && sudo systemctl enable --now docker",
    "suse": "sudo zypper install docker && sudo systemctl enable --now docker",
    "arch": "sudo pacman -S docker && sudo systemctl enable --now docker",
    "alpine": "sudo apk add docker && sudo rc-service docker start",
}
"""How other families of Linux get an engine, by ID or ID_LIKE of os-release(5)."""


class Step(StrEnum):
    """Something that we do to the machine."""

    INSTALL = "install"
    START = "start"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about an engine that does not answer: steps for us, or a command for the reader."""

    steps: tuple[Step, ...] = ()
    fix: str = ""


def decide(machine: Machine, endpoint: Endpoint, *, is_listening: bool) -> Decision:
    """What to do. Only this very machine's engine is ours to install or start, and only when nothing listens there.

    An empty decision means that the error which was met knows best: another machine's engine, one that is too old, or
    one that this user may not speak to.
    """
    if endpoint.url != DEFAULT_URL or is_listening:
        return Decision()
    if machine.system != "Linux":
        return Decision(fix="start Docker Desktop: open -a Docker" if machine.system == "Darwin" else ANYWHERE)
    if "dockerd" in machine.programs:
        by_hand = "sudo systemctl start docker" if machine.has_systemd else "sudo service docker start"
        return Decision((Step.START,)) if machine.is_root and machine.may_install else Decision(fix=by_hand)
    if machine.can_install:
        return Decision((Step.INSTALL, Step.START))
    return Decision(fix=_command(machine))


def _command(machine: Machine) -> str:
    if machine.is_debian_family:
        start = "" if machine.has_systemd else " && sudo service docker start"
        return f"sudo apt-get install docker.io{start}"
    families = (machine.release.get("ID", ""), *machine.release.get("ID_LIKE", "").split())
    return next((COMMANDS[family] for family in families if family in COMMANDS), ANYWHERE)


def packages(machine: Machine) -> list[str]:
    """What an engine needs on this machine; apt-get is told to leave out what packages only recommend."""
    needed = ["docker.io", "ca-certificates", "iptables"]
    if machine.has_apparmor:
        needed.append("apparmor")  # without its parser no container starts
    if not machine.has_systemd:
        needed.append("cgroupfs-mount")  # which systemd does itself
    if not machine.has_overlay:
        needed.append("fuse-overlayfs")  # else images are copied layer by layer
    return needed


def is_listening(path: str) -> bool:
    """Whether something takes connections at a Unix socket, or we are not allowed to find out."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return True
    return True


def ensure_engine(
    connect: Callable[[], SomeEngine],
    say: Progress,
    *,
    met: EngineUnavailable | None = None,
    machine: Machine | None = None,
    endpoint: Endpoint | None = None,
    runner: Runner = run,
    starter: Starter = start,
    listening: Callable[[str], bool] = is_listening,
    patience_s: float = PATIENCE_S,
) -> SomeEngine:
    """The engine that `connect` reaches; one is installed or started first if none answers and that is ours to do.

    `met` is what connecting has met already, if it was tried.

    Raises:
        EngineUnavailable: None answers, and we may do nothing or it did not help; says what to do.
    """
    try:
        if met is not None:
            raise met
        return connect()
    except EngineUnavailable as error:
        endpoint = endpoint or find_endpoint(None, os.environ, Path.home())
        machine = machine or this_machine()
        decision = decide(machine, endpoint, is_listening=endpoint.scheme == "unix" and listening(endpoint.path))
        if not decision.steps:
            raise EngineUnavailable(error.what, fix=decision.fix or error.fix) from error
    if Step.INSTALL in decision.steps:
        _install(machine, runner, say)
    return _started(connect, starter(machine, runner), say, patience_s)


def _install(machine: Machine, runner: Runner, say: Progress) -> None:
    wanted = packages(machine)
    say(f"no container engine here: installing {' '.join(wanted)} with apt-get (IPCLAB_NO_INSTALL=1 forbids it)")
    ended = apt.install(wanted, runner, lambda line: None)
    if ended.code:
        raise EngineUnavailable(f"docker.io could not be installed\n{ended.tail}", fix=_command(machine))


def _started(connect: Callable[[], SomeEngine], daemon: Daemon, say: Progress, patience_s: float) -> SomeEngine:
    """The engine, as soon as it answers; not waited for when its daemon has ended."""
    say(f"started the container engine ({daemon.how})")
    deadline = time.monotonic() + patience_s
    while True:
        is_alive = daemon.is_alive()
        try:
            return connect()
        except EngineUnavailable as error:
            if not is_alive or time.monotonic() > deadline:
                state = "does not answer" if is_alive else "ended at once"
                raise EngineUnavailable(
                    f"the container engine was started ({daemon.how}) and {state}\n{daemon.log()}",
                    fix="see its log above; a machine that may run no containers can use another's: DOCKER_HOST",
                ) from error
        time.sleep(POLL_S)
