"""Shells and commands in containers, as somebody at a terminal or a script meets them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("shell")]

ROOT = Path(__file__).parents[2]
INSTANCE = "t-shell"
IPCLAB = (sys.executable, "-c", "from orchestrator.cli import main; main()")
PROMPT = "student@alpha/right:/work$ "
CTRL_C = b"\x03"
PATIENCE_S = 30.0
MEGABYTES_10 = 10_000_000


def ipclab(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*IPCLAB, *arguments], cwd=ROOT, input=stdin, capture_output=True, timeout=120, check=False)


def run(place: str, *command: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return ipclab("exec", "--instance", INSTANCE, "lab-11", place, *command, stdin=stdin)


@pytest.fixture(scope="module", autouse=True)
def up() -> Iterator[None]:
    """The lab, in an instance that nobody else uses."""
    try:
        done = ipclab("up", "lab-11", "--instance", INSTANCE)
        assert done.returncode == 0, done.stderr.decode()
        yield
    finally:
        done = ipclab("down", "lab-11", "--instance", INSTANCE)
    assert done.returncode == 0, done.stderr.decode()


class Terminal:
    """A program on a terminal, seen from the keyboard's and the screen's side."""

    def __init__(self, arguments: Sequence[str], rows: int = 24, columns: int = 80) -> None:
        self.pid, self.screen = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execv(IPCLAB[0], [*IPCLAB, *arguments])
        self.modes = termios.tcgetattr(self.screen)
        self.resize(rows, columns)
        self.seen = ""

    def resize(self, rows: int, columns: int) -> None:
        """Drag the window's corner; the kernel tells the programs in it."""
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def type(self, keys: bytes) -> None:
        os.write(self.screen, keys)

    def expect(self, text: str) -> str:
        """Wait for a text behind what was expected before; what stands in between."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.seen:
            assert self.look(deadline), f"{text!r} did not come: {self.seen[-2000:]!r}"
        before, _, self.seen = self.seen.partition(text)
        return before

    def look(self, deadline: float) -> bool:
        """Take in what has come; False when nothing more comes."""
        if not select.select([self.screen], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return False
        try:
            came = os.read(self.screen, 65536)
        except OSError:
            # The last program on the terminal has ended.
            return False
        # What colours text or sets titles is not what is looked for.
        self.seen += re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|\][^\x07]*\x07)", "", came.decode())
        return bool(came)

    def command(self, line: str) -> str:
        """Type a command; what it printed until the prompt was there again."""
        self.type(line.encode() + b"\n")
        self.expect(line)
        return self.expect(PROMPT).strip()

    def end(self) -> int:
        """The program's exit status, once it has ended."""
        deadline = time.monotonic() + PATIENCE_S
        while self.look(deadline):
            pass
        pid, status = os.waitpid(self.pid, os.WNOHANG if time.monotonic() > deadline else 0)
        assert pid, f"it has not ended: {self.seen[-2000:]!r}"
        self.pid = 0
        return os.waitstatus_to_exitcode(status)


@contextmanager
def terminal(*arguments: str, rows: int = 24, columns: int = 80) -> Iterator[Terminal]:
    opened = Terminal(arguments, rows, columns)
    try:
        yield opened
    finally:
        if opened.pid:
            os.kill(opened.pid, signal.SIGKILL)
            os.waitpid(opened.pid, 0)
        os.close(opened.screen)


@pytest.fixture
def shell() -> Iterator[Terminal]:
    """A shell in alpha/right, its prompt there."""
    with terminal("shell", "lab-11", "alpha/right", "--instance", INSTANCE, rows=33, columns=101) as opened:
        opened.expect(PROMPT)
        yield opened


def test_the_prompt_shows_user_host_container_and_folder(shell: Terminal) -> None:
    assert shell.command("hostname") == "alpha"
    assert shell.command("id -un; umask") == "student\r\n0007"


def test_without_a_place_it_is_the_first_container(up: None) -> None:
    with terminal("shell", "lab-11", "--instance", INSTANCE) as opened:
        opened.expect("student@alpha/left:/work$ ")


def test_keys_reach_the_process_ctrl_c_too(shell: Terminal) -> None:
    shell.type(b"cat\n")
    shell.expect("cat\r\n")
    shell.type(b"some words\n")
    shell.expect("some words\r\nsome words\r\n")
    shell.type(CTRL_C)
    shell.expect(PROMPT)
    assert shell.command("echo $?") == "130"


def test_ctrl_c_reaches_a_process_that_never_stops_printing(shell: Terminal) -> None:
    shell.type(b"yes\n")
    shell.expect("y\r\n" * 1000)
    shell.type(CTRL_C)
    shell.expect("^C")
    shell.expect(PROMPT)
    assert shell.command("echo $?") == "130"


def test_the_process_has_our_windows_size_also_when_it_changes(shell: Terminal) -> None:
    assert shell.command("stty size") == "33 101"
    shell.resize(44, 132)
    deadline = time.monotonic() + PATIENCE_S
    while (size := shell.command("stty size")) != "44 132":
        assert time.monotonic() < deadline, size


def test_it_is_a_terminal_with_its_kind(shell: Terminal) -> None:
    assert shell.command("tty").startswith("/dev/pts/")
    assert shell.command("echo $TERM") == os.environ.get("TERM", "xterm")


def test_the_exit_status_is_passed_on_and_our_terminal_is_as_before(shell: Terminal) -> None:
    local = 3
    assert not termios.tcgetattr(shell.screen)[local] & termios.ICANON, "keys are not passed on one by one"
    shell.type(b"exit 7\n")
    assert shell.end() == 7
    assert termios.tcgetattr(shell.screen) == shell.modes


def test_a_segment_of_one_container_appears_in_the_other(shell: Terminal) -> None:
    made = run("alpha/left", "ipcmk", "-M", "4096")
    number = made.stdout.split()[-1].decode()
    try:
        assert number in shell.command("ipcs -m | tail -n +4 | awk '{print $2}'").splitlines()
    finally:
        assert run("alpha/left", "ipcrm", "-m", number).returncode == 0


def test_a_shell_in_a_container_that_goes_away_ends(up: None) -> None:
    with terminal("shell", "lab-11", "island/solo", "--instance", INSTANCE) as opened:
        opened.expect("student@island/solo:/work$ ")
        assert ipclab("down", "lab-11", "--instance", INSTANCE).returncode == 0
        try:
            assert opened.end() == 3
            assert "island/solo went away" in opened.seen
            assert termios.tcgetattr(opened.screen) == opened.modes
        finally:
            assert ipclab("up", "lab-11", "--instance", INSTANCE).returncode == 0


def test_a_script_can_be_piped_into_a_shell() -> None:
    done = ipclab("shell", "lab-11", "beta", "--instance", INSTANCE, stdin=b"echo $((6 * 7)); hostname; exit 3\n")
    assert (done.returncode, done.stdout, done.stderr) == (3, b"42\nbeta\n", b"")


def test_what_is_not_up_is_said_with_the_command_that_helps() -> None:
    done = ipclab("exec", "--instance", "t-never", "lab-11", "alpha/left", "true")
    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [
        "ipclab: alpha/left of lab-11/t-never is not up",
        "Bring it up first: ipclab up lab-11 --instance t-never",
    ]


def test_exec_takes_arguments_as_they_are() -> None:
    arguments = ["two words", "", "*", "$HOME", "'\"\\", "a\nb", "--help", "-h", "ü"]
    done = run("alpha/left", "printf", "<%s>\\n", *arguments)
    assert done.stdout.decode() == "".join(f"<{argument}>\n" for argument in arguments)


def test_exec_keeps_the_streams_apart_and_passes_the_exit_status_on() -> None:
    done = run("beta/main", "sh", "-c", "echo out; echo err >&2; exit 9")
    assert (done.returncode, done.stdout, done.stderr) == (9, b"out\n", b"err\n")


def test_exec_runs_in_work_as_the_student_with_the_umask_of_a_shell() -> None:
    done = run("alpha", "sh", "-c", "pwd; id -un; umask")
    assert done.stdout == b"/work\nstudent\n0007\n"


def test_exec_passes_any_bytes_both_ways() -> None:
    data = bytes(range(256)) * (MEGABYTES_10 // 256)
    done = run("alpha/left", "cat", stdin=data)
    assert done.returncode == 0
    assert done.stdout == data


@pytest.mark.parametrize("descriptor", [1, 2])
def test_exec_cuts_nothing_off(descriptor: int) -> None:
    done = run("alpha/left", "sh", "-c", f"head -c {MEGABYTES_10} /dev/zero >&{descriptor}")
    assert done.returncode == 0
    assert (done.stdout, done.stderr)[descriptor - 1] == bytes(MEGABYTES_10)


def test_a_process_that_reads_no_more_is_no_error() -> None:
    done = run("alpha/left", "head", "-n", "1", stdin=b"y\n" * MEGABYTES_10)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"y\n", b"")


def test_what_a_process_leaves_behind_does_not_hold_us() -> None:
    done = run("alpha/left", "sh", "-c", "sleep 1000 & echo $!")
    assert done.returncode == 0
    assert run("alpha/left", "kill", done.stdout.decode().strip()).returncode == 0


def test_a_command_that_is_not_there_is_the_shells_127() -> None:
    done = run("alpha/left", "no-such-command")
    assert done.returncode == 127
    assert b"no-such-command" in done.stderr


def test_exec_on_a_terminal_has_one_of_its_own(up: None) -> None:
    with terminal("exec", "--instance", INSTANCE, "lab-11", "alpha/right", "tty") as opened:
        opened.expect("/dev/pts/")
        assert opened.end() == 0
