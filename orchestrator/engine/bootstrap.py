"""A Debian root file system made on this machine by mmdebstrap, for an engine that can pull no image.

15 s and 72 MB for bookworm. It takes packages from where this machine takes its own, if that is a Debian archive.
Whether to do this at all, and what becomes of the tarball, is for `images` to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from orchestrator.engine import apt
from orchestrator.engine.base import Progress
from orchestrator.engine.command import Runner
from orchestrator.engine.machine import Machine
from orchestrator.errors import ImageError

ARCHIVE = "http://deb.debian.org/debian"
SECURITY_ARCHIVE = "http://deb.debian.org/debian-security"
MERGED_USR = Path("/usr/share/mmdebstrap/hooks/merged-usr")
SPLIT_USR = frozenset({"bookworm"})
"""Suites whose /bin becomes a link through a package only; without the hook that is usrmerge, with 55 MB of Perl."""

TRIM = """
rm -rf "$1"/usr/share/info/* "$1"/usr/share/locale/* "$1"/usr/share/man/* &&
find "$1/usr/share/doc" -type f ! -name copyright -delete
"""
"""Not mmdebstrap's --dpkgopt=path-exclude: that starts a filter per package and takes 10 s more."""


def make_root(suite: str, archive: IO[bytes], machine: Machine, run: Runner, say: Progress) -> None:
    """Write the tarball of a minimal root file system of a Debian suite into `archive`.

    Raises:
        ImageError: mmdebstrap is not here and may not be installed, or fails; says what to do.
    """
    if "mmdebstrap" not in machine.programs:
        _install(machine, run, say)
    alone = own_mounts(machine, run)
    argv = [*alone, *command_line(suite, apt_settings(run), list(apt.read_sources(Path("/etc/apt"))))]
    ended = run(argv, stages(say), output=archive)
    if ended.code:
        raise ImageError(f"mmdebstrap could not make a base image of {suite}\n{ended.tail}", fix=other_base())


def own_mounts(machine: Machine, run: Runner) -> list[str]:
    """What runs a program in a mount namespace of its own, so that root's mounts end with it even if it is killed.

    Nothing for others than root, who get one from mmdebstrap, nor in a container that may mount nothing anyway.
    """
    prefix = ["unshare", "--mount"]
    may = machine.is_root and run([*prefix, "true"], lambda line: None).code == 0
    return prefix if may else []


def _install(machine: Machine, run: Runner, say: Progress) -> None:
    missing = "no base image can be pulled, and mmdebstrap, which could make one, is not installed"
    if not machine.is_debian_family:
        raise ImageError(missing, fix=other_base())
    if not machine.can_install:
        raise ImageError(missing, fix=f"sudo apt-get install mmdebstrap\nOr: {other_base()}")
    say("installing mmdebstrap, which makes the base image (IPCLAB_NO_INSTALL=1 forbids it)")
    # Debian has its keyring always, Ubuntu does not.
    ended = apt.install(["mmdebstrap", "debian-archive-keyring"], run, lambda line: None)
    if ended.code:
        raise ImageError(f"{missing}; installing it failed\n{ended.tail}", fix=other_base())


def other_base() -> str:
    """What to do when none can be made here."""
    return "name an image, or a root file system's tarball, with --base-image or IPCLAB_BASE_IMAGE"


def command_line(suite: str, settings: Sequence[str], found: Sequence[apt.Source]) -> list[str]:
    """The call of mmdebstrap that writes a tarball to its standard output."""
    sources = apt.sources_of(suite, found) or default_sources(suite)
    packages = ["ca-certificates"] if any(source.uri.startswith("https:") for source in sources) else []
    hooks = []
    if suite in SPLIT_USR and MERGED_USR.is_dir():
        hooks = [f"--hook-dir={MERGED_USR}"]
        packages.append("usr-is-merged")
    return [
        "mmdebstrap",
        "--variant=apt",
        "--format=tar",
        *hooks,
        *([f"--include={','.join(packages)}"] if packages else []),
        *(f"--aptopt={setting}" for setting in settings),
        f"--customize-hook={TRIM.strip()}",
        suite,
        "-",
        *(_line(source) for source in sources),
    ]


def stages(say: Progress) -> Progress:
    """Of all that mmdebstrap, apt-get and dpkg say, the stages of the work, which end in dots."""

    def heard(line: str) -> None:
        if line.startswith("I: ") and line.endswith("..."):
            say(f"mmdebstrap: {line[3:]}")

    return heard


def default_sources(suite: str) -> list[apt.Source]:
    """Debian's own, for a machine that is not Debian or uses sources that a container can't."""
    return [
        apt.Source(ARCHIVE, suite, ("main",)),
        apt.Source(ARCHIVE, f"{suite}-updates", ("main",)),
        apt.Source(SECURITY_ARCHIVE, f"{suite}-security", ("main",)),
    ]


def _line(source: apt.Source) -> str:
    keyrings = (path for suffix in (".gpg", ".pgp") if (path := Path(apt.KEYRING + suffix)).is_file())
    option = next((f"[signed-by={path}] " for path in keyrings), "")
    return f"deb {option}{source.uri} {source.suite} main"


def apt_settings(run: Runner) -> list[str]:
    """This machine's settings of apt that are needed in a container, too."""
    lines: list[str] = []
    run(("apt-config", "dump"), lines.append)
    return apt.carried_settings("\n".join(lines))
