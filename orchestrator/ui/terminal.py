"""A process in a container on this terminal: a shell with all keys and the size of the window, or plain streams.

Which process, where, is the caller's choice. Nothing is interpreted here: bytes in, bytes out, the exit code passed on.
"""

from __future__ import annotations

import os
import select
import signal
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from orchestrator.engine.base import Engine, ExecStream
from orchestrator.errors import EngineError, EngineTimeout, ObjectConflict, ObjectMissing, UsageError
from orchestrator.labels import InstanceName

STDIN, STDOUT, STDERR = range(3)
CHUNK_BYTES = 65536
DEFAULT_SIZE = (24, 80)
DIRECTORY = "/work"
PATIENCE_S = 0.5
PULSE_S = 1.0
"""After so much silence we ask whether the process is still there: its end may show in no other way, when its container
is removed or when something that it left behind holds its output."""

START_S = 2.0
"""An engine starts a process after it has handed out its streams; until then it can't tell it a terminal's size."""

END_S = 5.0
"""An engine may learn of a process's end after that of its streams."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A process to be, and where: `place` is HOST/CONTAINER."""

    instance: InstanceName
    place: str
    argv: Sequence[str]
    user: str

    @property
    def container(self) -> str:
        """The engine's name of its container."""
        return self.instance.named(*self.place.split("/"))


def interact(engine: Engine, guest: Guest) -> int:
    """Hold a conversation with a process on a terminal of its own; its exit code.

    Without a terminal here it is a plain `relay`, so that scripts can pipe into a shell.

    Raises:
        UsageError: The container does not run.
        EngineError: It went away meanwhile.
    """
    if not (os.isatty(STDIN) and os.isatty(STDOUT)):
        return relay(engine, guest)
    with _opened(engine, guest, terminal=True) as stream, _raw(), _resizing(stream):
        _Relay(stream).run()
        return _exit_code(stream, guest)


def relay(engine: Engine, guest: Guest) -> int:
    """Run a process with our standard streams as its own; its exit code.

    Raises:
        UsageError: The container does not run.
        EngineError: It went away meanwhile.
    """
    with _opened(engine, guest, terminal=False) as stream:
        _Relay(stream).run()
        return _exit_code(stream, guest)


def _opened(engine: Engine, guest: Guest, *, terminal: bool) -> ExecStream:
    try:
        return engine.open_exec(
            guest.container,
            guest.argv,
            user=guest.user,
            terminal=terminal,
            environment={"TERM": os.environ.get("TERM", "xterm")} if terminal else {},
            directory=DIRECTORY,
            on_error=lambda data: _put(STDERR, data),
        )
    except (ObjectMissing, ObjectConflict) as error:
        up = f"ipclab up {guest.instance.lab}{guest.instance.option}"
        raise UsageError(f"{guest.place} of {guest.instance} is not up", fix=f"Bring it up first: {up}") from error


@dataclass(slots=True)
class _Relay:
    """Bytes on their way between our standard streams and a process's."""

    stream: ExecStream
    typing: bool = True
    """Whether there may be more to read for the process."""
    silent_s: float = 0.0

    def run(self) -> None:
        """Carry bytes both ways until the process has ended."""
        patience_s = 0.0
        while True:
            began = time.monotonic()
            ready, _, _ = select.select([self.stream.fileno(), *([STDIN] if self.typing else [])], [], [], patience_s)
            if STDIN in ready:
                self._pass_input()
            # Once a turn, whatever select() says: output that came during a write is in the stream's own buffer. And
            # only once: a process that never stops printing must not keep Ctrl-C from it.
            output = self._at_once()
            if output == b"":
                return
            if output:
                _put(STDOUT, output)
            patience_s = 0.0 if output else PATIENCE_S
            if self._fell_silent(0.0 if output or ready else time.monotonic() - began):
                return

    def _pass_input(self) -> None:
        data = _typed()
        try:
            if data:
                self.stream.write(data)
            else:
                self.stream.end_input()
        except EngineError:
            # A process that reads no more is no error: `yes | ipclab exec lab-11 alpha/left head -1`.
            data = b""
        self.typing = bool(data)

    def _at_once(self) -> bytes | None:
        try:
            return self.stream.read(0)
        except EngineTimeout:
            return None

    def _fell_silent(self, silence_s: float) -> bool:
        """Whether nothing more can be expected: the process has ended, or its container is gone."""
        self.silent_s = self.silent_s + silence_s if silence_s else 0.0
        if self.silent_s < PULSE_S:
            return False
        self.silent_s = 0.0
        try:
            return self.stream.exit_code() is not None
        except ObjectMissing:
            return True


def _typed() -> bytes:
    """What has come on standard input; nothing at its end."""
    try:
        return os.read(STDIN, CHUNK_BYTES)
    except OSError:
        # The terminal was hung up.
        return b""


def _put(descriptor: int, data: bytes) -> None:
    """Write all of `data`."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            # Whoever shares this terminal or pipe with us made it non-blocking.
            select.select([], [descriptor], [])


def _exit_code(stream: ExecStream, guest: Guest) -> int:
    deadline = time.monotonic() + END_S
    try:
        while (code := stream.exit_code()) is None:
            if time.monotonic() > deadline:
                raise EngineTimeout(f"the engine does not say how {guest.argv[0]} ended in {guest.place}")
            time.sleep(0.01)
    except ObjectMissing as error:
        raise EngineError(f"{guest.place} went away while {guest.argv[0]} ran in it") from error
    return code


@contextmanager
def _raw() -> Iterator[None]:
    """Every key goes to the process, Ctrl-C too; the terminal is as before afterwards."""
    before = termios.tcgetattr(STDIN)
    tty.setraw(STDIN)
    try:
        yield
    finally:
        termios.tcsetattr(STDIN, termios.TCSADRAIN, before)


@contextmanager
def _resizing(stream: ExecStream) -> Iterator[None]:
    """The process's terminal has our size, now and when it changes."""

    def resize(*_: object) -> None:
        # A process that has ended has no terminal any more.
        with suppress(EngineError):
            stream.resize(*_size())

    _resize_first(stream)
    before = signal.signal(signal.SIGWINCH, resize)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)


def _resize_first(stream: ExecStream) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            return stream.resize(*_size())
        except EngineError:
            time.sleep(0.01)
    return None


def _size() -> tuple[int, int]:
    columns, rows = os.get_terminal_size(STDOUT)
    return (rows, columns) if rows and columns else DEFAULT_SIZE
