"""The command line: whose problem it is shows in the exit code, and no mistake of a user's shows a traceback."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from click.shell_completion import ShellComplete

from orchestrator.cli import cli, main
from orchestrator.errors import DefinitionError, EngineError, InternalError, Problem, UsageError
from orchestrator.interruption import as_before

ROOT = Path(__file__).parents[2]
LABS = str(ROOT / "labs")
BODY = "title: A lab\nhosts: {alpha: {containers: {left: {}, right: {}}}, beta: {containers: {main: {}}}}\n"


class Ran(NamedTuple):
    code: int
    output: str
    errors: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line, or anything else in its place, to its exit."""

    def ran(*arguments: str, instead: Callable[..., object] | None = None) -> Ran:
        with as_before(), pytest.raises(SystemExit) as stop:
            main(instead or functools.partial(cli, list(arguments)))
        return Ran(int(str(stop.value.code or 0)), *capsys.readouterr())

    return ran


@pytest.fixture
def labs(tmp_path: Path) -> str:
    """A folder with a lab of two hosts and no exercises."""
    folder = tmp_path / "labs" / "lab-07"
    folder.mkdir(parents=True)
    (folder / "lab.yaml").write_text(BODY)
    (folder / "README.md").write_text("# A lab\n")
    return str(folder.parent)


def write(labs: str, text: str) -> Path:
    path = Path(labs, "lab-07", "lab.yaml")
    path.write_text(text)
    return path


@pytest.fixture
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which no engine answers, and none may be installed."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    monkeypatch.setenv("IPCLAB_NO_INSTALL", "1")


def raising(error: BaseException) -> Callable[..., object]:
    def run(**options: object) -> object:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("what", fix="do"), 2),
        (DefinitionError([Problem("lab.yaml", 3, 1, "what", "do")]), 2),
        (EngineError("what", fix="do"), 3),
        (InternalError("what", fix="do"), 70),
    ],
)
def test_each_error_has_its_exit_code_and_says_what_to_do(run: Run, error: Exception, code: int) -> None:
    ran = run(instead=raising(error))
    assert ran.code == code
    assert ran.output == ""
    assert "what" in ran.errors
    assert "do" in ran.errors
    assert "Traceback" not in ran.errors


def test_problems_of_files_begin_with_their_place_so_that_editors_can_jump_there(run: Run) -> None:
    ran = run(instead=raising(DefinitionError([Problem("lab.yaml", 3, 1, "what"), Problem("lab.yaml", 2, 5, "else")])))
    assert ran.errors == "lab.yaml:2:5: else\nlab.yaml:3:1: what\n"


def test_what_else_failed_is_told_too(run: Run) -> None:
    error = EngineError("the first")
    error.add_note("and another")
    assert run(instead=raising(error)).errors == "ipclab: the first\nand another\n"


def test_a_bug_is_70_with_all_that_helps_to_find_it(run: Run) -> None:
    ran = run(instead=raising(KeyError("alpha")))
    assert ran.code == 70
    assert "Traceback" in ran.errors
    assert "ipclab: a bug in ipclab: KeyError: 'alpha'" in ran.errors


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_is_130_without_a_traceback(run: Run, error: BaseException) -> None:
    assert run(instead=raising(error)) == (130, "", "interrupted\n")


def test_no_message_can_colour_the_terminal_or_move_its_cursor(run: Run) -> None:
    ran = run("--help", instead=raising(UsageError("a\x1b[31m\x07\u202eb", fix="c\rd\x9b2J")))
    assert ran.errors == "ipclab: a\\u{1b}[31m\\u{7}\\u{202e}b\nc\\u{d}d\\u{9b}2J\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["chek", "lab-07"], "there is no command 'chek'\nDid you mean `check`?"),
        (["up", "lab-08"], "there is no lab 'lab-08'\nDid you mean `lab-07`?"),
        (["shell", "7", "alfa"], "lab-07 has no host 'alfa'\nDid you mean `alpha`?"),
        (["shell", "7", "alpha/rihgt"], "alpha has no container 'rihgt'\nDid you mean `right`?"),
        (["exec", "7", "gamma/x", "true"], "lab-07 has no host 'gamma'\nChoose from alpha, beta"),
        (["check", "7", "fifo"], "lab-07 has no exercise 'fifo'\nIt has none"),
        (["workspace", "7", "fifo"], "lab-07 has no exercise 'fifo'\nIt has none"),
        (["up", "7", "--instance", "No_Name"], "'No_Name' is no name for an instance\nUse lower-case letters,"),
        (["up", "7", "--instance", "x" * 33], "is no name for an instance"),
        (["logs", "7"], "lab-07 has not been checked yet\nipclab check lab-07"),
    ],
)
def test_a_slip_of_the_finger_is_2_and_says_what_was_perhaps_meant(
    run: Run, labs: str, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.setenv("IPCLAB_LABS", labs)
    ran = run(*arguments)
    assert (ran.code, ran.output) == (2, "")
    assert says in ran.errors
    assert "Traceback" not in ran.errors


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nonsense"],
        ["up"],
        ["up", "lab-11", "extra"],
        ["check", "lab-11", "--jsn", "x"],
        ["check", "lab-11", "-n", "many"],
        ["check", "lab-11", "--submission", "/nowhere"],
        ["check", "lab-11", "--json", "/nowhere/record.json"],
        ["check", "lab-11", "--junitxml", "/"],
        ["graph", "lab-11", "-o", "/nowhere/picture.svg"],
        ["compose", "lab-11", "-o", "/nowhere/compose.yaml"],
        ["exec", "lab-11", "alpha/left"],
        ["list", "--labs", "/nowhere"],
    ],
)
def test_a_wrong_command_line_is_2_before_anything_is_done(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments[:1], *(["--labs", LABS] if "lab-11" in arguments else []), *arguments[1:])
    assert (ran.code, ran.output) == (2, "")
    assert "Error: " in ran.errors
    assert "Traceback" not in ran.errors


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("fifo/mode-600", "Did you mean `mode-0600`?"),
        ("fifo", "Choose from opens-both-ends"),
        ("fiffo/x", "Did you mean `fifo`?"),
    ],
)
def test_a_known_wrong_solution_that_is_not_there_is_told_before_anything_is_done(
    run: Run, wrong: str, says: str
) -> None:
    ran = run("check", "lab-11", "--labs", LABS, "--wrong", wrong)
    assert (ran.code, ran.output) == (2, "")
    assert says.lower() in ran.errors.lower()


def test_every_mistake_of_a_file_is_reported_at_once(run: Run, labs: str) -> None:
    path = write(labs, "title: x\nhots: {}\nhosts: {alpha: {containers: {left: {}}, shares: [ipc]}}\n")
    for command in (["validate"], ["validate", "lab-07"], ["up", "lab-07"], ["list"]):
        ran = run(*command, "--labs", labs)
        assert ran.code == 2
        assert [line.split(" ")[0] for line in ran.errors.splitlines()] == [f"{path}:2:1:", f"{path}:3:41:"]


def test_a_lab_without_mistakes_is_said_to_have_none(run: Run, labs: str) -> None:
    assert run("validate", "--labs", labs) == (0, "lab-07: no mistakes\n", "")


@pytest.mark.parametrize("command", ["list", "validate"])
def test_a_folder_without_labs_is_2(run: Run, tmp_path: Path, command: str) -> None:
    ran = run(command, "--labs", str(tmp_path))
    assert ran.code == 2
    assert f"there is no lab in {tmp_path}/" in ran.errors


@pytest.mark.usefixtures("no_engine")
@pytest.mark.parametrize(
    "arguments",
    [["up", "7"], ["plan", "7"], ["down", "7"], ["ps"], ["clean"], ["shell", "7"], ["exec", "7", "alpha", "true"]],
)
def test_without_an_engine_it_is_3_with_the_command_to_run(
    run: Run, labs: str, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setenv("IPCLAB_LABS", labs)
    ran = run(*arguments)
    assert (ran.code, ran.output) == (3, "")
    assert len(ran.errors.splitlines()) >= 2, "it says what to do"
    assert "Traceback" not in ran.errors


@pytest.mark.usefixtures("no_engine")
def test_the_doctor_finds_that_there_is_no_engine(run: Run) -> None:
    ran = run("doctor")
    assert ran.code == 3
    assert "✗" in ran.output
    assert "engine" in ran.output


def test_labs_are_listed_with_their_exercises(run: Run) -> None:
    ran = run("list", "--labs", LABS)
    assert ran.code == 0
    words = [line.split()[0] for line in ran.output.splitlines() if line.strip()]
    found = [words.index(name) for name in ("lab-10", "signals", "lab-11", "sysv-shm", "isolation")]
    assert found == sorted(found)


def test_titles_are_shown_as_they_are(run: Run, labs: str) -> None:
    write(labs, BODY.replace("A lab", "'[bold]A[/bold] :smile: [/]'"))
    assert "[bold]A[/bold] :smile: [/]" in run("list", "--labs", labs).output


def test_files_are_written_where_they_are_asked_for(run: Run, labs: str, tmp_path: Path) -> None:
    picture = tmp_path / "picture.svg"
    assert run("graph", "7", "--labs", labs, "-o", str(picture)) == (0, f"wrote {picture}\n", "")
    assert run("graph", "7", "--labs", labs).output == picture.read_text()
    assert run("compose", "7", "--labs", labs).output == f"wrote {tmp_path}/compose/lab-07.yaml\n"
    assert (tmp_path / "compose" / "lab-07.yaml").is_file()


def test_a_workspace_is_laid_out_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "images").symlink_to(ROOT / "images")
    shutil.copytree(ROOT / "labs" / "lab-11", tmp_path / "labs" / "lab-11")
    first, again = (run("workspace", "11", "fifo", "--labs", str(tmp_path / "labs")) for _ in range(2))
    assert (first.code, again.code) == (0, 0)
    assert (tmp_path / "work" / "lab-11" / "fifo" / "reader.c").is_file()
    assert first.output.count("created") == again.output.count("kept") == len(first.output.splitlines()) > 0


@pytest.mark.parametrize("name", [None, *sorted(cli.commands)])
def test_every_command_explains_itself(run: Run, name: str | None) -> None:
    ran = run(*([name] if name else []), "--help")
    assert (ran.code, ran.errors) == (0, "")
    assert ran.output.startswith("Usage: ")


def completed(*words: str) -> list[str]:
    return [item.value for item in ShellComplete(cli, {}, "ipclab", "_X").get_completions(list(words[:-1]), words[-1])]


@pytest.fixture
def known(labs: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Labs that completion finds."""
    write(labs, f"{BODY}exercises: [fifo, fork, tcp]\n")
    monkeypatch.setenv("IPCLAB_LABS", labs)
    yield labs


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("up", "la"), ["lab-07"]),
        (("up", "x"), []),
        (("shell", "lab-07", ""), ["alpha/left", "alpha/right", "beta/main"]),
        (("shell", "7", "alpha/r"), ["alpha/right"]),
        (("exec", "lab-07", "b"), ["beta/main"]),
        (("check", "lab-07", "f"), ["fifo", "fork"]),
        (("check", "lab-07", "fifo", ""), ["fork", "tcp"]),
        (("logs", "lab-07", "t"), ["tcp"]),
        (("shell", "no-lab", ""), []),
        (("check", "no-lab", ""), []),
    ],
)
def test_tab_offers_labs_places_and_exercises(words: tuple[str, ...], offered: list[str]) -> None:
    assert completed(*words) == offered


def test_tab_looks_into_the_folder_that_was_named(labs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPCLAB_LABS", "/nowhere")
    assert completed("up", "--labs", labs, "") == ["lab-07"]
    assert completed("shell", "--labs", labs, "lab-07", "beta") == ["beta/main"]


def test_tab_is_silent_about_files_with_mistakes(known: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(known, "title: [\n")
    assert completed("shell", "lab-07", "") == completed("check", "lab-07", "") == []
    assert capsys.readouterr() == ("", "")


IPCLAB = (sys.executable, "-c", "from orchestrator.cli import main; main()")


def test_a_reader_that_goes_away_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run([*IPCLAB, "list", "--labs", LABS], stdout=writer, stderr=subprocess.PIPE, timeout=60)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_locale_without_our_signs_costs_nobody_the_table() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "DOCKER_HOST": "unix:///nobody", "IPCLAB_NO_INSTALL": "1"}
    done = subprocess.run([*IPCLAB, "doctor"], env=environment, capture_output=True, timeout=60)
    assert done.returncode == 3
    assert b"\\u2717" in done.stdout
    assert done.stderr == b""


def test_reading_a_command_line_imports_nothing_that_takes_time() -> None:
    slow = ("docker", "paramiko", "pydantic", "pytest", "rich", "testinfra", "yaml")
    code = f"import sys, orchestrator.cli; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
