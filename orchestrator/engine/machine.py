"""The machine that ipclab itself runs on: what it is and what it has. The engine may be on another.

A value, so that what to do about a missing engine or base image is decided without touching anything. Programs are run
by `command`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("apt-get", "dockerd", "mmdebstrap")
"""What we may want to call."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine and what we may do to it."""

    system: str
    """`Linux`, `Darwin` …"""
    architecture: str
    """As the kernel names it: `x86_64`, `aarch64`."""
    release: Mapping[str, str] = field(default_factory=dict)
    """The fields of os-release(5); none where there is no such file."""
    programs: frozenset[str] = frozenset()
    """Those of `PROGRAMS` that are installed."""
    is_root: bool = False
    may_install: bool = True
    """False when IPCLAB_NO_INSTALL is set: then nothing is installed, and no service started."""
    has_systemd: bool = False
    """Whether systemd is the first process."""
    has_overlay: bool = True
    """Whether the kernel can do overlay mounts."""
    has_apparmor: bool = False

    @property
    def is_debian_family(self) -> bool:
        """Debian, Ubuntu and their like: `apt-get install docker.io` works there."""
        names = {self.release.get("ID", ""), *self.release.get("ID_LIKE", "").split()}
        return "debian" in names and "apt-get" in self.programs

    @property
    def can_install(self) -> bool:
        """Whether we may install Debian packages without asking anybody."""
        return self.is_debian_family and self.is_root and self.may_install


def this_machine(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> Machine:
    """What this process runs on; files are looked for below `root`."""
    kernel = os.uname()
    return Machine(
        system=kernel.sysname,
        architecture=kernel.machine,
        release=_release(root),
        programs=_installed(environment.get("PATH", os.defpath)),
        is_root=os.geteuid() == 0,
        may_install=environment.get("IPCLAB_NO_INSTALL", "0") in ("", "0"),
        has_systemd=(root / "run/systemd/system").is_dir(),
        has_overlay=_has_overlay(root, kernel.release),
        has_apparmor=_read(root / "sys/module/apparmor/parameters/enabled").startswith("Y"),
    )


def _installed(search_path: str) -> frozenset[str]:
    # In a user's PATH the folders of a system administrator's programs may be missing.
    folders = [*search_path.split(os.pathsep), "/usr/local/sbin", "/usr/sbin", "/sbin"]
    return frozenset(name for name in PROGRAMS if any(os.access(f"{folder}/{name}", os.X_OK) for folder in folders))


def _release(root: Path) -> Mapping[str, str]:
    lines = (_read(root / "etc/os-release") or _read(root / "usr/lib/os-release")).splitlines()
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def _has_overlay(root: Path, kernel: str) -> bool:
    """Built in or loaded already, or a module that can be loaded."""
    folder = root / "lib/modules" / kernel / "kernel/fs/overlayfs"
    return "\toverlay\n" in _read(root / "proc/filesystems") or any(folder.glob("overlay.ko*"))


def _read(path: Path) -> str:
    """What the file says; nothing when there is no such file."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
