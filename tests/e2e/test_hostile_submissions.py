"""Sources and folders that attack whoever compiles, reads or shows them: a verdict in safe words, and nothing run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.agent.command import Command
from orchestrator.checks.build import Compiled
from orchestrator.session import JUDGED, PEER
from orchestrator.ui.table import check_line, closing, explanation, summary
from tests.e2e.arena import ALL_PASSED, Arena, arena, explained, outcomes

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("hostile")]

DONE = '#include <stdio.h>\nint main(void) { puts("done"); }\n'
NOT_COMPILED = {name: "failed" if name == "compiles" else "blocked" for name in ALL_PASSED}
LEVELS = range(60)
TWICE = '#ifndef L{0}\n#define L{0}\n#include "program.c"\n#include "program.c"\n#undef L{0}\n#else\n'
NESTED = "".join(TWICE.format(level) for level in LEVELS) + "#endif\n" * len(LEVELS)
TIMES_FOUR = "#define A{0} A{1} A{1} A{1} A{1}\n"
DOUBLED = "#define A0 1,1,1,1,1,1,1,1,\n" + "".join(TIMES_FOUR.format(n, n - 1) for n in range(1, 20))
WARNED = "int main(void) {\n" + "{ char *text = 1; }\n" * 20_000 + "}\n"
ESCAPES = '#error \x1b[2J\x1b]0;owned\x07 \x9b1m\n#line 1 "::error::owned\x1b[31m"\nint main(void) { x; }\n'
STOPPED = "the compiler (ran out of memory|was stopped after)"
ATTACKS = {
    "endless include": ('#include "/dev/zero"\n', STOPPED),
    "endless binary": ('__asm__(".incbin \\"/dev/zero\\"");\n', "unable to include|ran out of memory"),
    "passwords": ('__asm__(".incbin \\"/etc/shadow\\"");\n', "file not found: /etc/shadow"),
    "password text": ('#include "/etc/shadow"\n', "/etc/shadow: Permission denied"),
    "reference": ('#include "/build/peer/attack/program"\n', "program: Permission denied"),
    "solution": ('#include "../solution/program.c"\n', "No such file or directory"),
    "itself": ('#include "program.c"\n', "nested depth"),
    "include bomb": (NESTED, STOPPED),
    "macro bomb": (DOUBLED + "int a[] = { A19 1 };\n", STOPPED),
    "terabyte": ("char a[1ULL << 40] = {1};\nint main(void) {}\n", "the program would be too large"),
    "plugin": ('#pragma GCC plugin "/tmp/x.so"\n', "ignoring '#pragma GCC plugin'"),
    "wall of warnings": (WARNED, "the compiler was stopped when it had printed"),
    "not UTF-8": ('\xff\xfe int main(void) { return "', r"<ff><fe> int main"),
    "escapes": (ESCAPES, r"\\x1b\[2J\\x1b\]0;owned\\x07"),
}
"""Sources that don't compile, and what is said of them."""
HARMLESS = {
    "NULs": "int main(void) { return 0; }\n\0\0\0",
    "a loader of its own": DONE + '__attribute__((section(".interp"), used)) const char loader[] = "/tmp/evil";\n',
}
"""Odd sources that may compile: what comes of them has no more rights than any program."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with arena(tmp_path_factory.mktemp("hostile")) as made:
        made.build("attack", "solution", PEER).install("program", "alpha/left")
        yield made


def submitted(folder: Path, source: str | bytes) -> Path:
    """A submission of the exercise `attack`."""
    (folder / "attack").mkdir()
    data = source if isinstance(source, bytes) else source.encode("latin-1")
    (folder / "attack/program.c").write_bytes(data)
    return folder


def compiled(hostile: Arena, folder: Path, deadline_s: float = 30.0) -> Compiled:
    """What the compiler made of a submission."""
    return hostile.build("attack", folder / "attack", JUDGED, deadline_s).compile()["program"]


def is_safe(text: str) -> bool:
    """Whether a text has nothing but characters to look at and line breaks."""
    return not any(unicodedata.category(one) in ("Cc", "Cf", "Cs", "Co") for one in text if one != "\n")


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_source_that_attacks_the_compiler_does_not_compile(hostile: Arena, attack: str, tmp_path: Path) -> None:
    source, words = ATTACKS[attack]
    # Little time for what must be stopped by it; enough for all else, also where others use the machine.
    made = compiled(hostile, submitted(tmp_path, source), 1.5 if words == STOPPED else 30.0)
    assert made.binary is None
    assert re.search(words, made.messages), made.messages[:2000]
    assert is_safe(made.messages)
    assert len(made.messages) < 1 << 18
    assert "root:" not in made.messages
    assert not hostile.left()


@pytest.mark.parametrize("attack", HARMLESS)
def test_an_odd_source_is_only_a_program(hostile: Arena, attack: str, tmp_path: Path) -> None:
    record = hostile.judge(submission=submitted(tmp_path, HARMLESS[attack]))
    assert set(outcomes(record).values()) <= {"passed", "failed", "blocked"}
    assert is_safe("".join(verdict.explain() for verdict in record.verdicts))
    assert not hostile.left()


def test_what_does_not_compile_fails_that_check_and_blocks_the_others(hostile: Arena, tmp_path: Path) -> None:
    record = hostile.judge(submission=submitted(tmp_path, ESCAPES))
    assert outcomes(record) == NOT_COMPILED
    assert record.points == 0
    said = explained(record, "compiles")
    assert is_safe(said)
    assert not re.search(r"^\s*::", said, re.MULTILINE)


def test_who_takes_too_long_is_not_judged_to_the_end(hostile: Arena) -> None:
    definition = hostile.definition.root / "attack/exercise.yaml"
    text = definition.read_text()
    definition.write_text(f"{text}deadline: 500ms\n")
    try:
        record = hostile.judge(wrong="attack/ignores-every-signal")
    finally:
        definition.write_text(text)
    done = "test_program_says_that_it_is_done"
    assert outcomes(record) == {**ALL_PASSED, done: "failed"} | dict.fromkeys([*ALL_PASSED][2:], "blocked")
    assert "no time is left for it" in explained(record, "test_next_check_finds_the_hosts_as_they_were")


def test_no_environment_of_ours_reaches_the_compiler(hostile: Arena) -> None:
    dump = Command(("/usr/bin/env",), hostile.build("attack", "solution", PEER).ENVIRONMENT)
    assert set(hostile.agent().run(dump, 5).stdout.split()) == {b"PATH=/usr/bin:/bin", b"LANG=C"}


def a_link(folder: Path) -> None:
    (folder / "attack").mkdir()
    (folder / "attack/program.c").symlink_to("/etc/passwd")


def a_linked_folder(folder: Path) -> None:
    (folder / "real").mkdir()
    (folder / "real/program.c").write_text(DONE)
    (folder / "attack").symlink_to("real")


def a_fifo(folder: Path) -> None:
    (folder / "attack").mkdir()
    os.mkfifo(folder / "attack/program.c")


def a_folder(folder: Path) -> None:
    (folder / "attack/program.c").mkdir(parents=True)


def something_huge(folder: Path) -> None:
    (folder / "attack").mkdir()
    with (folder / "attack/program.c").open("wb") as file:
        file.truncate(1 << 40)


@pytest.mark.parametrize("made", [a_link, a_linked_folder, a_fifo, a_folder, something_huge])
def test_a_source_that_is_no_plain_file_is_refused(hostile: Arena, made: object, tmp_path: Path) -> None:
    made(tmp_path)  # type: ignore[operator]
    record = hostile.judge(submission=tmp_path)
    assert outcomes(record) == NOT_COMPILED
    assert re.search(r"cannot be read|not a plain file|larger than 1 MiB", explained(record, "compiles"))


MARK = "import pathlib; pathlib.Path({path!r}).write_text('owned')\n"


def test_nothing_in_a_submission_is_imported_or_collected(hostile: Arena, tmp_path: Path) -> None:
    folder, mark = tmp_path / "submission", tmp_path / "mark"
    folder.mkdir()
    submitted(folder, DONE)
    code = MARK.format(path=str(mark))
    names = ("conftest.py", "sitecustomize.py", "usercustomize.py", "test_attack.py", "pytest.py", "orchestrator.py")
    for place in (folder, folder / "attack"):
        for name in (*names, "__init__.py", "click.py"):
            (place / name).write_text(code)
        (place / "pytest.ini").write_text("[pytest]\naddopts = -p conftest --co\n")
        (place / "tox.ini").write_text("[pytest]\naddopts = --co\n")
        (place / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "--co"\n')
        (place / "result.json").write_text('{"points": 100}')
    json_file, junit = tmp_path / "record.json", tmp_path / "junit.xml"
    command = [
        *(str(Path(sys.executable).parent / "ipclab"), "check", "hostile", "attack", "--submission", "."),
        *("--labs", str(hostile.definition.root.parent), "--instance", hostile.session.name.instance),
        *("--json", str(json_file), "--junitxml", str(junit)),
    ]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert not mark.exists(), "something of the submission was run here"
    record = json.loads(json_file.read_text())
    assert (record["points"], record["max_points"]) == (2, 3), ended.stderr
    assert ended.returncode == 1, "one check is blocked on purpose"
    assert len(list(ET.parse(junit).iter("testcase"))) == 4


def test_what_a_program_prints_is_safe_to_show_anywhere(hostile: Arena, tmp_path: Path) -> None:
    record = hostile.judge(wrong="attack/writes-to-the-log", junit=tmp_path / "junit.xml")
    assert outcomes(record)["test_program_says_that_it_is_done"] == "failed"
    record.write(tmp_path / "record.json")
    texts = [*_texts(json.loads((tmp_path / "record.json").read_text()))]
    assert any("owned" in text for text in texts)
    assert all(is_safe(text) for text in texts)
    screen = Console(file=StringIO(), width=80, color_system=None, markup=False)
    for verdict in record.verdicts:
        screen.print(check_line(verdict), explanation(verdict))
    screen.print(summary(record), closing(record))
    drawn = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "[bold red]all passed" in drawn, "markup is text"
    junit = (tmp_path / "junit.xml").read_bytes().decode()
    shown = "".join(element.text or "" for element in ET.fromstring(junit).iter())
    for text in (drawn, shown):
        assert is_safe(text)
        assert "::error file=a.c::" not in text
        assert "##[" not in text
        assert "##vso[" not in text
    assert len(list(ET.fromstring(junit).iter("testsuite"))) == 1, "]]></testsuite> is text"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
