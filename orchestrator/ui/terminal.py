"""A process in a container on this terminal: a shell with all keys and the size of the window, or plain streams."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from orchestrator.engine.base import Engine, ExecStream
from orchestrator.errors import EngineTimeout, ObjectConflict, ObjectMissing, UsageError

CHUNK_BYTES = 65536
DEFAULT_SIZE = (24, 80)
END_S = 5.0


def interact(engine: Engine, container: str, argv: Sequence[str], place: str, *, user: str) -> int:
    """Hold a conversation with a process on a terminal of its own; its exit code.

    Without a terminal here it is a plain `relay`, so that scripts can pipe into a shell.

    Raises:
        UsageError: The container does not run.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return relay(engine, container, argv, place, user=user)
    environment = {"TERM": os.environ.get("TERM", "xterm")}
    with _opened(engine, container, argv, place, user, environment, terminal=True) as stream, _raw(), _resizing(stream):
        _pump(stream)
        return _exit_code(stream)


def relay(engine: Engine, container: str, argv: Sequence[str], place: str, *, user: str) -> int:
    """Run a command with our standard streams as its own; its exit code.

    Raises:
        UsageError: The container does not run.
    """
    with _opened(engine, container, argv, place, user, {}, terminal=False) as stream:
        _pump(stream)
        sys.stderr.buffer.write(stream.stderr_tail())
        return _exit_code(stream)


def _opened(
    engine: Engine,
    container: str,
    argv: Sequence[str],
    place: str,
    user: str,
    environment: dict[str, str],
    *,
    terminal: bool,
) -> ExecStream:
    try:
        return engine.open_exec(
            container, argv, user=user, terminal=terminal, environment=environment, directory="/work"
        )
    except (ObjectMissing, ObjectConflict) as error:
        raise UsageError(f"{place} is not up", fix=f"Bring it up first: ipclab up {container.split('.')[1]}") from error


def _pump(stream: ExecStream) -> None:
    """Carry bytes both ways until the process has ended."""
    keys = sys.stdin.fileno()
    watched = [stream.fileno(), keys]
    while True:
        # A byte that came with an earlier one may sit in the stream's own buffer, where poll does not see it.
        ready, _, _ = select.select(watched, [], [], 0.5)
        if keys in ready:
            data = os.read(keys, CHUNK_BYTES)
            if data:
                stream.write(data)
            else:
                watched.remove(keys)
                stream.end_input()
        while (output := _at_once(stream)) is not None:
            if not output:
                return
            sys.stdout.buffer.write(output)
            sys.stdout.buffer.flush()


def _at_once(stream: ExecStream) -> bytes | None:
    try:
        return stream.read(0)
    except EngineTimeout:
        return None


def _exit_code(stream: ExecStream) -> int:
    code = stream.exit_code()
    return 1 if code is None else code


@contextmanager
def _raw() -> Iterator[None]:
    """Every key goes to the process, Ctrl-C too; the terminal is as before afterwards."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    tty.setraw(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def _resizing(stream: ExecStream) -> Iterator[None]:
    """The process's terminal has our size, now and when it changes."""

    def resize(*_: object) -> None:
        stream.resize(*_size())

    before = signal.signal(signal.SIGWINCH, resize)
    resize()
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _size() -> tuple[int, int]:
    try:
        rows, columns, _, _ = struct.unpack("4H", fcntl.ioctl(sys.stdout.fileno(), termios.TIOCGWINSZ, bytes(8)))
    except OSError:
        return DEFAULT_SIZE
    return (rows, columns) if rows and columns else DEFAULT_SIZE
