"""Progress of going up and down: one line on a terminal, a line a step in a log."""

from __future__ import annotations

import fcntl
import io
import os
import select
import struct
import termios
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import EngineError
from orchestrator.executor import Event, Stage
from orchestrator.plan import Operation, Verb
from orchestrator.ui.progress import WIPE, Progress

COLUMNS = 50
CREATE = Operation(Verb.CREATE_CONTAINER, "ipclab.lab-11.main.alpha.left", "absent")
START = Operation(Verb.START_SANDBOX, "ipclab.lab-11.main.alpha", "image changed")


class Window:
    """A terminal of a known width, and what a program draws on it."""

    def __init__(self) -> None:
        self.screen, program = os.openpty()
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("4H", 24, COLUMNS, 0, 0))
        self.stream = os.fdopen(program, "w")

    def drawn(self) -> str:
        found = b""
        while select.select([self.screen], [], [], 0)[0]:
            found += os.read(self.screen, 65536)
        return found.decode()

    def close(self) -> None:
        self.stream.close()
        os.close(self.screen)


@pytest.fixture
def window() -> Iterator[Window]:
    opened = Window()
    yield opened
    opened.close()


def test_a_log_has_a_line_for_each_step_that_ended_with_its_cause() -> None:
    log = io.StringIO()
    with Progress("lab-11 up", log) as progress:
        progress.event(Event(Stage.STARTED, CREATE, 0, 2))
        progress.event(Event(Stage.ENDED, CREATE, 1, 2, 0.123))
        progress.event(Event(Stage.STARTED, START, 1, 2))
        progress.event(Event(Stage.FAILED, START, 1, 2, 1.0, EngineError("no")))
    assert log.getvalue().splitlines() == [
        "lab-11 up: create container alpha.left: absent (0.12 s)",
        "lab-11 up: start sandbox alpha: image changed (1.00 s) FAILED",
    ]


def test_a_log_shows_what_a_builder_said_without_its_escapes() -> None:
    log = io.StringIO()
    progress = Progress("images", log)
    progress.line("Step 1/9\x1b[31m : FROM base\n")
    progress.line("\n")
    assert log.getvalue() == "images: Step 1/9\\x1b[31m : FROM base\n"


def test_a_terminal_has_one_line_that_says_what_is_being_done(window: Window) -> None:
    progress = Progress("lab-11 up", window.stream)
    progress.event(Event(Stage.STARTED, CREATE, 0, 2))
    progress.event(Event(Stage.STARTED, START, 0, 2))
    *_, last = window.drawn().split(WIPE)
    assert last.startswith("lab-11 up   0.0 s  0/2  create container alpha.le")
    progress.event(Event(Stage.ENDED, CREATE, 1, 2, 0.1))
    *_, last = window.drawn().split(WIPE)
    assert last.endswith("1/2  start sandbox alpha")


def test_nothing_of_it_stays_on_a_terminal(window: Window) -> None:
    with Progress("lab-11 up", window.stream) as progress:
        progress.line("building")
    assert window.drawn().endswith(WIPE)


def test_what_is_worth_it_stays(window: Window) -> None:
    with Progress("lab-11 up", window.stream) as progress:
        progress.line("building")
        progress.say("installed docker.io")
        progress.line("building on")
    assert f"{WIPE}installed docker.io\r\n{WIPE}" in window.drawn()


@given(st.lists(st.text(max_size=200), max_size=5))
def test_the_line_never_wraps_for_a_wrapped_line_can_not_be_wiped(texts: list[str]) -> None:
    window = Window()
    try:
        progress = Progress("lab-11 up", window.stream)
        for text in texts:
            progress.line(text)
        drawn = window.drawn()
    finally:
        window.close()
    assert "\n" not in drawn
    assert all(len(line) < COLUMNS for line in drawn.split(WIPE))
