"""A program of this machine, run to its end while its lines are handed on as they come.

For apt-get, mmdebstrap and the like. Programs in containers are the agent's.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Protocol

from orchestrator.engine.base import Progress

LAST_LINES = 20
TIMEOUT_S = 900.0
GRACE_S = 15.0
GUARD = """
trap : HUP INT PIPE TERM
TMPDIR=$(mktemp -d) && export TMPDIR || exit 1
trap 'rm -rf --one-file-system "$TMPDIR"' EXIT
exec 3<&0 </dev/null
"$@" 3<&- &
work=$!
(
    trap '' TERM
    read -r line <&3
    kill -TERM 0
    for second in 1 2 3 4 5 6 7 8 9; do
        sleep 1
        kill -0 "$work" || exit
    done
    kill -KILL "$work"
) >/dev/null 2>&1 &
watch=$!
until wait "$work"; code=$?; ! kill -0 "$work" 2>/dev/null; do :; done
kill -KILL "$watch" 2>/dev/null
exit "$code"
"""
"""Runs its arguments in a process group and a TMPDIR of their own and lets neither outlive whoever holds the other end
of its standard input. The whole group gets the signal: mmdebstrap waits for those that it started, then cleans up.
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended and the last that it said."""

    code: int
    """Its exit status; minus a signal's number; 127 when it could not be started."""
    last: tuple[str, ...] = ()

    @property
    def tail(self) -> str:
        """Its last lines, indented, for the end of a message."""
        return "\n".join(f"    {line}" for line in self.last)


class Runner(Protocol):
    """What runs programs: `run`, or a test's own."""

    def __call__(self, argv: Sequence[str], say: Progress, *, output: IO[bytes] | None = None) -> Ended:
        """Run it; standard output goes to `output` if given, all other lines to `say`."""


def run(argv: Sequence[str], say: Progress, *, output: IO[bytes] | None = None, timeout_s: float = TIMEOUT_S) -> Ended:
    """Run a program to its end, without standard input; its lines go to `say`, standard output to `output` if given.

    A program that has an `output` works for us alone: it ends, with all that it started, and its temporary files go,
    when this process does, however that comes about. Others go on: half a package's installation helps nobody. One
    that takes longer than `timeout_s` is ended, too.
    """
    try:
        process = _started(argv) if output is None else _started_for_us(argv, output)
    except OSError as error:
        return Ended(127, (f"{argv[0]}: {error.strerror}",))
    alarm = threading.Timer(timeout_s, _stop, (process,))
    alarm.daemon = True
    alarm.start()
    try:
        return _followed(process, say)
    finally:
        alarm.cancel()


def _started(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=_environment()
    )


def _started_for_us(argv: Sequence[str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["sh", "-c", GUARD, "sh", *argv],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.PIPE,
        env=_environment(),
        start_new_session=True,
    )


def _environment() -> dict[str, str]:
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def _followed(process: subprocess.Popen[bytes], say: Progress) -> Ended:
    lines = process.stdout or process.stderr
    assert lines is not None
    last: deque[str] = deque(maxlen=LAST_LINES)
    with process:
        try:
            for line in lines:
                text = line.decode(errors="replace").rstrip()
                if text:
                    last.append(text)
                    say(text)
            return Ended(process.wait(), tuple(last))
        except BaseException:
            _stop(process)
            raise


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and make it if it does not."""
    if process.stdin:
        process.stdin.close()
    else:
        process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
