"""Where a root file system's packages come from: this machine's own sources, as far as a container can use them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.engine.apt import Source, carried_settings, install, read_sources, sources_of
from orchestrator.engine.bootstrap import command_line, default_sources
from orchestrator.engine.command import Ended

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ONE_LINE = f"""\
# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by={KEYRING}] http://mirror.example/debian bookworm main contrib
deb http://mirror.example/debian bookworm-updates main # comment
deb-src http://mirror.example/debian bookworm main
deb http://deb.debian.org/debian-security bookworm-security main
"""
DEB822 = """\
# this is Debian
Types: deb deb-src
URIs: http://mirror.example/debian http://second.example/debian
Suites: bookworm
  bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://other.example/linux
Suites: bookworm
Components: stable
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEY865UxYJKwYBBAHaRw8BAQdA
 -----END PGP PUBLIC KEY BLOCK-----
"""


def apt_folder(root: Path, **files: str) -> Path:
    """An /etc/apt with these files; `_` in a name stands for a dot."""
    (root / "sources.list.d").mkdir()
    for name, content in files.items():
        (root / ("" if name == "sources_list" else "sources.list.d") / name.replace("_", ".")).write_text(content)
    return root


def test_one_line_sources_are_read_without_their_comments(tmp_path: Path) -> None:
    found = list(read_sources(apt_folder(tmp_path, sources_list=ONE_LINE)))
    assert found == [
        Source("http://mirror.example/debian", "bookworm", ("main", "contrib"), KEYRING),
        Source("http://mirror.example/debian", "bookworm-updates", ("main",)),
        Source("http://deb.debian.org/debian-security", "bookworm-security", ("main",)),
    ]


def test_a_machine_that_has_stanzas_only_is_understood(tmp_path: Path) -> None:
    found = list(read_sources(apt_folder(tmp_path, debian_sources=DEB822)))
    assert [(source.uri, source.suite) for source in found if source.signed_by == KEYRING] == [
        ("http://mirror.example/debian", "bookworm"),
        ("http://mirror.example/debian", "bookworm-updates"),
        ("http://second.example/debian", "bookworm"),
        ("http://second.example/debian", "bookworm-updates"),
    ]
    assert [source.components for source in found if source.uri.startswith("https:")] == [("stable",)]
    assert not [source for source in found if "off" in source.uri]


def test_files_that_apt_ignores_are_ignored(tmp_path: Path) -> None:
    assert list(read_sources(apt_folder(tmp_path, debian_sources_disabled=DEB822))) == []


@pytest.mark.parametrize(
    "source",
    [
        Source("http://apt.example/debian", "bookworm-pgdg", ("main",)),
        Source("https://download.example/debian", "bookworm", ("stable",)),
        Source("http://deb.debian.org/debian", "trixie", ("main",)),
        Source("file:/srv/mirror", "bookworm", ("main",)),
        Source("mirror+file:/etc/apt/mirrors.list", "bookworm", ("main",)),
        Source("http://localhost:3142/debian", "bookworm", ("main",)),
        Source("http://mirror.example/debian", "bookworm", ("main",), "/etc/apt/keyrings/ours.gpg"),
        Source("http://mirror.example/debian", "bookworm", ("main",), "-----BEGIN PGP PUBLIC KEY BLOCK-----"),
    ],
    ids=lambda source: f"{source.uri} {source.suite} {source.signed_by}",
)
def test_a_source_that_a_container_can_not_use_is_left_out(source: Source) -> None:
    good = Source("http://mirror.example/debian", "bookworm", ("main",), KEYRING)
    assert sources_of("bookworm", [source, good]) == [good]


def test_without_a_usable_source_debians_own_are_taken() -> None:
    argv = command_line("bookworm", [], [Source("file:/srv/mirror", "bookworm", ("main",))])
    assert [line.split()[-3:-1] for line in argv if line.startswith("deb ")] == [
        [source.uri, source.suite] for source in default_sources("bookworm")
    ]


def test_this_machines_mirror_is_taken() -> None:
    mirror = Source("http://mirror.example/debian", "bookworm", ("main", "contrib"), KEYRING)
    argv = command_line("bookworm", ['Acquire::Check-Date "false";'], [mirror])
    assert argv[-3:-1] == ["bookworm", "-"]
    assert argv[-1].endswith("http://mirror.example/debian bookworm main")
    assert '--aptopt=Acquire::Check-Date "false";' in argv
    assert not any("ca-certificates" in word for word in argv)


def test_a_mirror_with_tls_brings_the_certificates_that_it_takes() -> None:
    argv = command_line("trixie", [], [Source("https://mirror.example/debian", "trixie", ("main",))])
    assert "--include=ca-certificates" in argv


def test_settings_that_packages_can_not_be_fetched_without_are_carried_over() -> None:
    dump = """\
APT "";
Acquire::Check-Valid-Until "false";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::Proxy "http://127.0.0.1:3128";
Acquire::Languages:: "none";
"""
    assert carried_settings(dump) == [
        'Acquire::Check-Valid-Until "false";',
        'Acquire::http::Proxy "http://proxy.example:3128";',
    ]


class Apt:
    """An apt-get whose calls end as `codes` says, one after the other."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.ran: list[str] = []

    def __call__(self, argv: object, say: object, *, output: object = None) -> Ended:
        assert isinstance(argv, tuple)
        self.ran.append("update" if "update" in argv else "install")
        code = self.codes.pop(0)
        return Ended(code, (f"said by {self.ran[-1]}",))


@pytest.mark.parametrize(
    ("codes", "ran", "said"),
    [
        ((0,), ["install"], "said by install"),
        ((100, 0, 0), ["install", "update", "install"], "said by install"),
        ((100, 100), ["install", "update"], "said by update"),
    ],
)
def test_package_lists_are_fetched_when_they_are_too_old(codes: tuple[int, ...], ran: list[str], said: str) -> None:
    apt = Apt(*codes)
    ended = install(["mmdebstrap"], apt, print)
    assert (apt.ran, ended.last, ended.code) == (ran, (said,), codes[-1])
