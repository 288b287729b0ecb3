"""Programs of this machine: their lines, their end, and that those which work for us alone do not outlive us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from orchestrator.engine.command import LAST_LINES, run

CALLER = """
import sys, tempfile
from orchestrator.engine.command import run
with tempfile.TemporaryFile() as output:
    run(sys.argv[1:], lambda line: print(line, flush=True), output=output)
"""
WORKER = 'touch "$TMPDIR/file" && (sleep 300 & echo "$TMPDIR $$ $!" >&2; wait)'


def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_lines_come_as_they_are_said_and_the_last_are_kept() -> None:
    said: list[str] = []
    ended = run(["sh", "-c", f"seq {LAST_LINES + 5}; echo oops >&2; exit 3"], said.append)
    assert ended.code == 3
    assert said[:2] == ["1", "2"]
    assert (len(ended.last), ended.last[-1]) == (LAST_LINES, "oops")
    assert ended.tail.endswith("\n    oops")


def test_a_program_that_is_not_there_is_an_end_like_another() -> None:
    ended = run(["/nonexistent/program"], print)
    assert (ended.code, ended.last) == (127, ("/nonexistent/program: No such file or directory",))


def test_output_and_lines_are_kept_apart() -> None:
    said: list[str] = []
    with tempfile.TemporaryFile() as output:
        ended = run(["sh", "-c", "printf data; echo progress >&2; exit 4"], said.append, output=output)
        output.seek(0)
        assert output.read() == b"data"
    assert (ended.code, said) == (4, ["progress"])


def test_a_program_that_takes_too_long_is_ended() -> None:
    began = time.monotonic()
    ended = run(["sleep", "300"], print, timeout_s=0.1)
    assert ended.code == -signal.SIGTERM
    assert time.monotonic() - began < 5


def test_a_program_for_us_that_takes_too_long_is_ended_with_what_it_started() -> None:
    said: list[str] = []
    with tempfile.TemporaryFile() as output:
        assert run(["sh", "-c", WORKER], said.append, output=output, timeout_s=0.3).code != 0
    folder, *pids = said[0].split()
    assert not Path(folder).exists()
    eventually(lambda: not any(is_running(int(pid)) for pid in pids))


def test_files_of_a_program_for_us_go_when_it_ends() -> None:
    said: list[str] = []
    with tempfile.TemporaryFile() as output:
        assert run(["sh", "-c", 'touch "$TMPDIR/file"; echo "$TMPDIR" >&2'], said.append, output=output).code == 0
    assert not Path(said[0]).exists()


def test_a_program_for_us_does_not_outlive_a_caller_that_is_killed() -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", CALLER, "sh", "-c", WORKER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as caller:
        assert caller.stdout is not None
        folder, *pids = caller.stdout.readline().decode().split()
        assert Path(folder, "file").exists()
        assert all(is_running(int(pid)) for pid in pids)
        caller.kill()
    eventually(lambda: not Path(folder).exists() and not any(is_running(int(pid)) for pid in pids))
