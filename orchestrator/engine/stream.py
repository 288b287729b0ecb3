"""The standard streams of one process in a container, over a socket of our own.

The socket does not block: reading waits for what comes (`lookout`), and writing takes in what comes meanwhile, so that
neither side waits for the other with full buffers. What the bytes mean is the reader's matter.
"""

from __future__ import annotations

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from orchestrator.engine.frames import Demultiplexer
from orchestrator.engine.lookout import Lookout
from orchestrator.engine.upgrade import Upgraded
from orchestrator.errors import EngineError, EngineTimeout

RECEIVE_BYTES = 1 << 16
"""Not more: malloc maps pages anew for each buffer of 128 KiB and above, which costs 14 µs a call."""

STDERR_KEPT_BYTES = 4096
PULSE_S = 1.0
"""After so much silence we ask whether the process is still known.

Engine 20.10 does not end the stream of a process whose container was killed or removed when it shares its PID
namespace (seen: silence for 20 s and no end)."""

WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ExecControl(Protocol):
    """What can be asked of the engine about a process beside its streams."""

    def exit_code(self) -> int | None:
        """Its exit code; None while it runs."""

    def is_known(self) -> bool:
        """Whether the engine knows anything of it; not so when its container died."""

    def resize(self, rows: int, columns: int) -> None:
        """Tell its terminal its size."""


class HijackedStream:
    """An `ExecStream` over an upgraded connection. One thread may read while another writes."""

    def __init__(
        self,
        upgraded: Upgraded,
        control: ExecControl,
        *,
        terminal: bool,
        on_error: Callable[[bytes], None] | None = None,
        pulse_s: float = PULSE_S,
    ) -> None:
        """Take the socket over; it is closed with the stream. `on_error` is given what comes on standard error."""
        self._pulse_s = pulse_s
        self._socket = upgraded.socket
        self._socket.setblocking(False)
        self._tls = self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        self._control = control
        self._on_error = on_error
        self._frames = None if terminal else Demultiplexer()
        self._output: list[bytes] = []
        self._errors = b""
        self._ended = False
        self._closed = False
        self._receiving = threading.Lock()
        self._sending = threading.Lock()
        # OpenSSL lets one thread at a time use a connection; plain sockets lose nothing by it, for neither call blocks.
        self._touching = threading.Lock()
        self._readers = 0
        self._silent_s = 0.0
        self._lookout = Lookout(self._socket)
        if upgraded.early:
            self._take(upgraded.early)

    def fileno(self) -> int:
        """The socket's descriptor."""
        return self._socket.fileno()

    def read(self, timeout_s: float | None) -> bytes:
        """All of standard output that has come, as soon as there is any; `b""` at the end of the stream."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._readers += 1
        try:
            if not self._receiving.acquire(timeout=-1 if timeout_s is None else timeout_s):
                raise _late(timeout_s)
        finally:
            self._readers -= 1
        try:
            while not self._output and not self._ended:
                self._await(deadline, timeout_s)
                self._receive()
            found = self._output
            self._output = []
            return found[0] if len(found) == 1 else b"".join(found)
        finally:
            self._receiving.release()

    def write(self, data: bytes, timeout_s: float | None = None) -> None:
        """Send all of `data`; what comes meanwhile is kept for `read`."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        with self._sending:
            rest = memoryview(data)
            while rest:
                try:
                    with self._touching:
                        rest = rest[self._socket.send(rest) :]
                except WOULD_BLOCK as reason:
                    self._unblock(isinstance(reason, ssl.SSLWantReadError), deadline)
                except OSError as error:
                    raise EngineError(f"the process's standard input is gone: {error}") from error

    def end_input(self) -> None:
        """Half-close: the process sees end of file, its output can still be read."""
        with self._sending, self._touching:
            try:
                # Below TLS, too: its own goodbye would be an error as soon as more output comes (OpenSSL 3).
                socket.socket.shutdown(self._socket, socket.SHUT_WR)
            except OSError as error:
                raise EngineError(f"the process's standard input is gone: {error}") from error

    def stderr_tail(self) -> bytes:
        """The last 4 KiB that came on standard error so far."""
        return self._errors

    def resize(self, rows: int, columns: int) -> None:
        """Tell a terminal its size."""
        self._control.resize(rows, columns)

    def exit_code(self) -> int | None:
        """The process's exit code; None while it runs."""
        return self._control.exit_code()

    def close(self) -> None:
        """End the connection; whoever reads or writes meanwhile is woken."""
        if self._closed:
            return
        self._closed = True
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            # The other side was first; there is nothing left to shut down.
            self._ended = True
        # A descriptor may be given away again as soon as it is closed: nobody may be polling it then.
        with self._receiving, self._sending:
            self._ended = True
            self._socket.close()

    def __enter__(self) -> Self:
        """The stream itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _await(self, deadline: float | None, timeout_s: float | None) -> None:
        """Return when something can be received, or when it is known that nothing will."""
        # TLS may hold decrypted bytes that poll(2) knows nothing of.
        while not (self._tls and self._tls.pending()):
            left_s = self._pulse_s if deadline is None else deadline - time.monotonic()
            patience_s = min(self._pulse_s, max(0.0, left_s))
            if self._lookout.wait(patience_s):
                break
            self._note_silence(patience_s)
            if self._ended:
                return
            if left_s <= patience_s and deadline is not None:
                raise _late(timeout_s)
        self._silent_s = 0.0

    def _note_silence(self, silence_s: float) -> None:
        self._silent_s += silence_s
        if self._silent_s >= self._pulse_s:
            self._silent_s = 0.0
            self._ended = not self._control.is_known()

    def _receive(self) -> None:
        try:
            with self._touching:
                piece = self._socket.recv(RECEIVE_BYTES)
        except WOULD_BLOCK:
            return
        except OSError:
            # Reset: an engine that dies ends its streams so.
            piece = b""
        if piece:
            self._take(piece)
        else:
            self._ended = True

    def _take(self, piece: bytes) -> None:
        if self._frames is None:
            self._output.append(piece)
            return
        output, errors = self._frames.feed(piece)
        if output:
            self._output.append(output)
        if errors:
            self._errors = (self._errors + errors)[-STDERR_KEPT_BYTES:]
            if self._on_error is not None:
                self._on_error(errors)

    def _unblock(self, tls_wants_input: bool, deadline: float | None) -> None:
        """Wait until more can be sent, and take in what comes meanwhile unless a reader is there to do it."""
        wanted = select.POLLIN if tls_wants_input else select.POLLOUT
        mine = not self._readers and self._receiving.acquire(blocking=False)
        try:
            poll = select.poll()
            poll.register(self._socket, wanted | select.POLLIN if mine and not self._ended else wanted)
            events = poll.poll(_milliseconds(deadline))
            if not events:
                raise EngineTimeout("the process did not take its standard input in time")
            if mine and events[0][1] & select.POLLIN:
                self._receive()
        finally:
            if mine:
                self._receiving.release()


def _milliseconds(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, (deadline - time.monotonic()) * 1000)


def _late(timeout_s: float | None) -> EngineTimeout:
    return EngineTimeout(f"the process wrote nothing within {timeout_s:g} s")
