"""Debian's packages: installing some on this machine, and where this machine gets them from.

What to install, and whether we may, is for `install` and `bootstrap` to decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.engine.base import Progress
from orchestrator.engine.command import Ended, Runner

GET = ("apt-get", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=30")
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
KEYRING = "/usr/share/keyrings/debian-archive-keyring"
"""The package debian-archive-keyring has it; its suffix differs between releases."""

CARRIED = ("Acquire::Check-Valid-Until", "Acquire::Check-Date", "Acquire::http::Proxy", "Acquire::https::Proxy")
"""Settings without which a machine behind a mirror or a proxy gets no packages."""


def install(packages: Sequence[str], run: Runner, say: Progress) -> Ended:
    """Install packages without what they only recommend; package lists are fetched if they are missing or old."""
    argv = (*GET, "install", "--yes", "--no-install-recommends", *packages)
    first = run(argv, say)
    if first.code == 0:
        return first
    updated = run((*GET, "update"), say)
    return run(argv, say) if updated.code == 0 else updated


@dataclass(frozen=True, slots=True)
class Source:
    """One suite of an archive, as sources.list(5) has it."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""


def sources_of(suite: str, found: Iterable[Source]) -> list[Source]:
    """Those sources of a Debian suite, its updates and its security updates that a container can use, too.

    Left out is what a container does not see (files, a mirror on this machine's loopback), what a key of this machine
    signs, and whatever does not call itself like Debian's own suites: other people's packages.
    """
    suites = {suite, f"{suite}-updates", f"{suite}-security"}
    return [
        source
        for source in found
        if source.suite in suites
        and "main" in source.components
        and is_reachable(source.uri)
        and (not source.signed_by or source.signed_by.startswith(KEYRING))
    ]


def is_reachable(uri: str) -> bool:
    """Whether an address is one that a container of the engine may reach as this machine does."""
    parts = urlsplit(uri)
    return parts.scheme in ("http", "https") and parts.hostname not in LOOPBACK


def read_sources(folder: Path) -> Iterator[Source]:
    """Every enabled `deb` source of this machine; `folder` is /etc/apt."""
    for path in (folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))):
        if path.suffix in (".list", ".sources") and path.is_file():
            text = path.read_text(errors="replace")
            yield from one_line_sources(text) if path.suffix == ".list" else deb822_sources(text)


ONE_LINE = re.compile(r"\s*deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>[^#]*)")


def one_line_sources(text: str) -> Iterator[Source]:
    """The sources of a `.list` file: `deb [options] uri suite component …`."""
    for line in text.splitlines():
        match = ONE_LINE.match(line)
        if match:
            options = dict(option.partition("=")[::2] for option in (match["options"] or "").split())
            yield Source(match["uri"], match["suite"], tuple(match["components"].split()), options.get("signed-by", ""))


def deb822_sources(text: str) -> Iterator[Source]:
    """The sources of a `.sources` file: stanzas of fields, any of which may have several values."""
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() not in (
            "no",
            "false",
            "0",
        ):
            components = tuple(fields.get("components", "").split())
            for uri in fields.get("uris", "").split():
                for suite in fields.get("suites", "").split():
                    yield Source(uri, suite, components, fields.get("signed-by", ""))


def _fields(stanza: str) -> Mapping[str, str]:
    """Field names in lower case; a line that begins with a blank goes on with the field before it."""
    whole = re.sub(r"\n[ \t]+", " ", stanza)
    pairs = (line.partition(":") for line in whole.splitlines() if ":" in line)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def carried_settings(dump: str) -> list[str]:
    """Those settings of `apt-config dump` that packages can't be fetched without, in a container no more than here."""
    pattern = re.compile(rf'({"|".join(CARRIED)}) "([^"]*)";')
    found = (pattern.fullmatch(line.strip()) for line in dump.splitlines())
    return [
        f'{match[1]} "{match[2]}";'
        for match in found
        if match and match[2] and (not match[1].endswith("Proxy") or is_reachable(match[2]))
    ]
