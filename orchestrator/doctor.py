"""What this machine and its engine have, what is missing, and what to do about it: rows of a report.

What the kernel can do is observed by `trial`; here is what each finding means. How rows look is `ui`'s matter.
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orchestrator import lifecycle, trial
from orchestrator.engine import images
from orchestrator.engine.base import Engine, EngineInfo
from orchestrator.engine.context import latest, reference
from orchestrator.errors import IpclabError, MachineError
from orchestrator.resolve import SANDBOX_IMAGE
from orchestrator.settled import arguments
from orchestrator.spec.quantity import size_text

OLDEST_PYTHON = (3, 11)
LEAST_MEMORY_BYTES = 1 << 30
LEAST_FREE_BYTES = 2 << 30
"""An image takes 0.25 GB, a build of it twice that."""
SLOW_DRIVERS = {"vfs": "every layer of an image is a whole copy; install fuse-overlayfs and restart the engine"}
BUILD = "make lab-11 builds it, or: ipclab build"


class Level(StrEnum):
    """How a finding stands."""

    OK = "ok"
    WARN = "warn"
    """Something works less well, or is not known."""
    MISSING = "missing"
    """Labs can't run without it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that was looked at."""

    what: str
    found: str
    level: Level = Level.OK
    fix: str = ""
    """What to do about it; empty when nothing."""


@dataclass(frozen=True, slots=True)
class Report:
    """All that was looked at, in the order in which a reader wants it."""

    rows: tuple[Row, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether labs can run."""
        return all(row.level is not Level.MISSING for row in self.rows)


Finder = Callable[[str], str | None]
"""Where a program of this machine is; None if it has none of that name."""


def examine(engine: Engine | MachineError, *, find: Finder = shutil.which) -> Report:
    """Look at everything; `engine` is the error that was met when there is none. Errors on the way become rows."""
    rows = [_python(sys.version_info[:3])]
    if isinstance(engine, MachineError):
        rows.append(Row("engine", engine.what, Level.MISSING, engine.fix))
    else:
        rows += _guarded("engine", lambda: list(_engine_rows(engine.info())))
        rows += _guarded("images", lambda: list(_image_rows(engine)))
        rows += _guarded("instances", lambda: [_instances(engine)])
    return Report((*rows, _compose(find)))


def _guarded(what: str, look: Callable[[], list[Row]]) -> list[Row]:
    """The rows that `look` finds, or one that says why it could not."""
    try:
        return look()
    except IpclabError as error:
        return [Row(what, error.what, Level.MISSING, error.fix)]


def _python(version: tuple[int, ...]) -> Row:
    found = f"{platform.python_implementation()} {'.'.join(map(str, version))}"
    if version < OLDEST_PYTHON:
        return Row("python", found, Level.MISSING, "ipclab needs Python 3.11 or newer")
    return Row("python", found)


def _engine_rows(info: EngineInfo) -> Iterator[Row]:
    yield Row("engine", f"{info.version}, API {info.api_version}, on {info.os} ({info.architecture})")
    yield (
        Row("place", "this machine")
        if info.local
        else Row(
            "place",
            f"another machine, {info.name}",
            Level.WARN,
            "containers there do not see your files: /work is empty",
        )
    )
    enough = info.memory_bytes >= LEAST_MEMORY_BYTES
    yield Row(
        "machine",
        f"kernel {info.kernel}, {info.cpus} CPUs, {_size(info.memory_bytes)} of memory",
        Level.OK if enough else Level.WARN,
        "" if enough else f"hosts of containers want {size_text(LEAST_MEMORY_BYTES)}: give the machine more memory",
    )
    yield Row("cgroups", info.cgroup)
    slow = SLOW_DRIVERS.get(info.storage_driver, "")
    yield Row("storage", info.storage_driver, Level.WARN if slow else Level.OK, slow)
    yield _seccomp(info.security)


def _seccomp(security: tuple[str, ...]) -> Row:
    profile = next((option for option in security if option.startswith("name=seccomp")), "")
    if not profile:
        fix = "system calls of students' programs are not filtered: run an engine and a kernel with seccomp"
        return Row("seccomp", "none", Level.WARN, fix)
    found = profile.partition("profile=")[2] or "default"
    if found == "unconfined":
        return Row("seccomp", found, Level.WARN, "take seccomp-profile out of /etc/docker/daemon.json")
    return Row("seccomp", f"profile {found}")


def _image_rows(engine: Engine) -> Iterator[Row]:
    base = images.base_reference(None)
    yield Row("base image", base + ("" if engine.image_id(base) else " (not there: it is pulled or made when needed)"))
    current = reference(SANDBOX_IMAGE, base, arguments())
    found = next((tag for tag in (current, latest(SANDBOX_IMAGE)) if engine.image_id(tag)), None)
    if found is None:
        yield Row("lab image", "not built yet", Level.WARN, BUILD)
        yield Row("kernel", "unknown until the image is built", Level.WARN, BUILD)
        return
    fix = "" if found == current else f"it is not made of the files that are here now: {BUILD}"
    yield Row("lab image", found, Level.WARN if fix else Level.OK, fix)
    yield from _guarded("trial of a host", lambda: list(kernel_rows(trial.try_out(engine, found))))


FEATURES = {
    "sysv_shm": ("System V shared memory", "CONFIG_SYSVIPC"),
    "sysv_sem": ("System V semaphores", "CONFIG_SYSVIPC"),
    "sysv_msg": ("System V message queues", "CONFIG_SYSVIPC"),
    "posix_shm": ("POSIX shared memory", "CONFIG_SHMEM"),
    "posix_mq": ("POSIX message queues", "CONFIG_POSIX_MQUEUE"),
    "fifo": ("FIFOs in a shared volume", "CONFIG_TMPFS"),
}
"""What a program in a container tried, and what the kernel must have been built with for it."""


def kernel_rows(tried: Mapping[str, Any]) -> Iterator[Row]:
    """What `probe`'s findings mean."""
    for key, (what, option) in FEATURES.items():
        error = str(tried[key])
        fix = f"the engine's kernel needs {option}" if error else ""
        yield Row(what, error or "works", Level.MISSING if error else Level.OK, fix)
    yield Row("files in the image", _size(int(tried["image_bytes"])))
    yield _network(tried)
    yield _overlay(tried)
    yield _sysctls(tried)
    yield _limits(tried)
    yield _privileges(tried)
    yield _compiler(tried)
    yield _room(int(tried["free_bytes"]))


def _network(tried: Mapping[str, Any]) -> Row:
    if not tried["veth"]:
        fix = "the engine's kernel needs CONFIG_VETH and CONFIG_BRIDGE, or they need loading: modprobe veth bridge"
        return Row("network", "no veth pair", Level.MISSING, fix)
    if not tried["ipv6"]:
        fix = "IPv6 is off in the engine's kernel (net.ipv6.conf.all.disable_ipv6, ipv6.disable); TCP labs use it"
        return Row("network", "veth on a bridge, IPv4 only", Level.MISSING, fix)
    return Row("network", "veth on a bridge, IPv4 and IPv6")


def _overlay(tried: Mapping[str, Any]) -> Row:
    if tried["overlay"]:
        return Row("overlay file system", "in the kernel")
    return Row("overlay file system", "not in the kernel", Level.WARN, "modprobe overlay makes images quicker to build")


def _sysctls(tried: Mapping[str, Any]) -> Row:
    ignored = [name for name, value in tried["sysctls"].items() if value != trial.SYSCTLS[name]]
    if ignored:
        fix = "limits of a host's IPC objects do not hold: use an engine with runc or crun and a kernel of its own"
        return Row("namespaced sysctls", f"{', '.join(ignored)} ignored", Level.WARN, fix)
    return Row("namespaced sysctls", "take effect")


def _limits(tried: Mapping[str, Any]) -> Row:
    missing = [name for name, value in tried["limits"].items() if value is None]
    if "memory" in missing or "pids" in missing:
        fix = "a program can take the whole machine: enable the engine's memory and pids cgroup controllers"
        return Row("limits", f"none of {', '.join(missing)}", Level.MISSING, fix)
    if missing:
        return Row("limits", "memory, pids; swap is not limited", Level.WARN, "boot the kernel with swapaccount=1")
    return Row("limits", "memory, swap, pids")


def _privileges(tried: Mapping[str, Any]) -> Row:
    if tried["seccomp"] != "2" or tried["no_new_privileges"] != "1":
        found = f"seccomp mode {tried['seccomp']}, no_new_privs {tried['no_new_privileges']}"
        return Row("confinement", found, Level.WARN, "students' programs are less confined than they should be")
    return Row("confinement", "seccomp filter, no new privileges")


def _compiler(tried: Mapping[str, Any]) -> Row:
    return Row("compiler", tried["gcc"]) if tried["gcc"] else Row("compiler", "no gcc", Level.MISSING, BUILD)


def _room(free_bytes: int) -> Row:
    scarce = free_bytes < LEAST_FREE_BYTES
    fix = "make room on the engine's disk: docker image prune" if scarce else ""
    return Row("free disk space", _size(free_bytes), Level.WARN if scarce else Level.OK, fix)


def _instances(engine: Engine) -> Row:
    names = lifecycle.instances(engine)
    stray = [name for name in names if name.lab == trial.LAB]
    if stray:
        return Row(
            "instances", f"{len(stray)} left by a doctor that was killed", Level.WARN, "ipclab clean removes them"
        )
    return Row("instances", ", ".join(map(str, names)) or "none is up")


def _compose(find: Finder) -> Row:
    found = find("docker-compose")
    return Row("docker-compose", found or "not installed (only needed for exported Compose files)")


def _size(size_bytes: int) -> str:
    """A size to read, in the unit that suits it."""
    if size_bytes >= 10**9:
        return f"{size_bytes / 10**9:.1f} GB"
    return f"{size_bytes / 10**6:.0f} MB"
