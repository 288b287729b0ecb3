"""`ipclab check --watch` beside an editor: sources, checks and definitions are saved, half-finished ones too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.handbook import lay_out

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("watch")]

IPCLAB = (sys.executable, "-c", "from orchestrator.cli import main; main()")
LAB = ("lab-12", "--instance", "t-watch", "--labs", "labs")
WATCHING = "watching for saved files"
PATIENCE_S = 90.0


def ipclab(folder: Path, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*IPCLAB, command, *arguments], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with a lab, and a workspace in which the student has just begun."""
    lay_out(tmp_path)
    ipclab(tmp_path, "workspace", "lab-12", "--labs", "labs")
    try:
        yield tmp_path
    finally:
        ipclab(tmp_path, "down", *LAB)


@dataclass
class Watch:
    """A watch that runs, and what it has printed."""

    process: subprocess.Popen[bytes]
    log: Path
    rounds: int = 0

    def next_round(self) -> str:
        """Wait until it has run once more and watches again; what it printed."""
        self.rounds += 1
        deadline = time.monotonic() + PATIENCE_S
        while (text := self.log.read_text()).count(WATCHING) < self.rounds:
            assert self.process.poll() is None, f"it has ended: {text[-3000:]}"
            assert time.monotonic() < deadline, f"round {self.rounds} did not end: {text[-3000:]}"
            time.sleep(0.05)
        return text.split(WATCHING)[self.rounds - 1]


@contextmanager
def watching(folder: Path) -> Iterator[Watch]:
    log = folder / "log"
    with log.open("wb") as output:
        command = [*IPCLAB, "check", *LAB, "--watch"]
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT, process_group=0)
        try:
            yield Watch(process, log)
        finally:
            process.kill()
            process.wait()


def save(path: Path, text: str) -> None:
    """As most editors do: beside it, then over it."""
    fresh = path.with_name(f"{path.name}~")
    fresh.write_text(text)
    fresh.replace(path)


def test_every_save_is_a_run_until_an_interrupt(folder: Path) -> None:
    exercise, work = folder / "labs" / "lab-12" / "mail", folder / "work" / "lab-12" / "mail"
    checks, definition = exercise / "test_mail.py", exercise / "exercise.yaml"
    with watching(folder) as watch:
        assert "0/4" in watch.next_round()

        for name in ("receiver.c", "sender.c"):
            save(work / name, (exercise / "solution" / name).read_text())
        assert "4/4" in watch.next_round()

        (work / "sender.c").write_text(
            (exercise / "solution" / "sender.c").read_text().replace("strlen(argv[2]), 0", "0, 0")
        )
        assert "3/4" in watch.next_round()
        save(work / "sender.c", (exercise / "solution" / "sender.c").read_text())
        watch.next_round()

        save(checks, checks.read_text().replace("no byte more and none less", "with another sentence"))
        assert "Our receiver prints TEXT, with another sentence" in watch.next_round()

        whole = definition.read_text()
        save(definition, whole.replace("title: Mail", "titel: Mail"))
        assert "exercise.yaml:2:1: " in watch.next_round()
        save(definition, whole)
        assert "4/4" in watch.next_round()

        os.killpg(watch.process.pid, signal.SIGINT)
        assert watch.process.wait(PATIENCE_S) == 0
        assert "Traceback" not in watch.log.read_text()
