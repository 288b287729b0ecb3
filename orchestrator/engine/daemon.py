"""Docker's daemon on this machine: started as the machine starts its services, and its log when it does not come up.

Whether to start it is `install`'s to decide.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.command import Runner
from orchestrator.engine.machine import Machine

SERVICE_LOG = Path("/var/log/docker.log")
OWN_LOG = Path("/var/log/ipclab-dockerd.log")
LOG_LINES = 15
LOG_BYTES = 16384


@dataclass(frozen=True, slots=True)
class Daemon:
    """A daemon that was just started."""

    how: str
    """The command that started it."""
    is_alive: Callable[[], bool]
    log: Callable[[], str]
    """The last lines of its log, indented."""


Starter = Callable[[Machine, Runner], Daemon]
"""What starts the daemon: `start`, or a test's own."""


def start(machine: Machine, runner: Runner) -> Daemon:
    """The daemon, as systemd starts it; else as its init script does; else as a process of its own."""
    if machine.has_systemd:
        return _by_systemd(runner)
    return _by_init_script(runner) or as_process(["dockerd"], OWN_LOG)


def _by_systemd(runner: Runner) -> Daemon:
    # systemctl waits until the service says that it is ready, or has failed.
    ended = runner(("systemctl", "start", "docker"), _unheard)
    journal = ("journalctl", "--unit", "docker", "--no-pager", "--lines", str(LOG_LINES))
    return Daemon("systemctl start docker", lambda: ended.code == 0, lambda: runner(journal, _unheard).tail)


def _by_init_script(runner: Runner) -> Daemon | None:
    if runner(("service", "docker", "start"), _unheard).code != 0:
        return None
    status = ("service", "docker", "status")
    return Daemon("service docker start", lambda: runner(status, _unheard).code == 0, lambda: tail(SERVICE_LOG))


def as_process(argv: Sequence[str], log: Path) -> Daemon:
    """A daemon in a session of its own: it goes on when we end, and a ^C at our terminal is not its."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"},
        )
    return Daemon(f"{argv[0]}, its log in {log}", lambda: process.poll() is None, lambda: tail(log))


def tail(log: Path, lines: int = LOG_LINES) -> str:
    """The last lines of a log, indented; nothing when it can't be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def _unheard(line: str) -> None:
    """What is said on the way; the end is what counts."""
