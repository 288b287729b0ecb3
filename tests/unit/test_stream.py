"""A process's streams over a socket pair, the other end of which is in the test's hand."""

from __future__ import annotations

import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from orchestrator.engine.dial import dial
from orchestrator.engine.endpoint import Endpoint, Tls
from orchestrator.engine.stream import HijackedStream
from orchestrator.engine.upgrade import Upgraded
from orchestrator.errors import EngineError, EngineTimeout, EngineUnavailable


class Process:
    """What the engine says of the process."""

    def __init__(self) -> None:
        self.known = True
        self.asked = 0
        self.size = (0, 0)

    def exit_code(self) -> int | None:
        return None

    def is_known(self) -> bool:
        self.asked += 1
        return self.known

    def resize(self, rows: int, columns: int) -> None:
        self.size = (rows, columns)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(10.0)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def theirs(pair: tuple[socket.socket, socket.socket]) -> socket.socket:
    """The engine's end."""
    return pair[1]


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
def stream(pair: tuple[socket.socket, socket.socket], process: Process) -> Iterator[HijackedStream]:
    with HijackedStream(Upgraded(pair[0], b""), process, terminal=False) as stream:
        yield stream


def frame(payload: bytes, number: int = 1) -> bytes:
    return struct.pack(">BxxxI", number, len(payload)) + payload


def in_thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call)
    thread.start()
    return thread


def received(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (piece := end.recv(size - len(data))):
        data += piece
    return data


def test_reading_gives_all_output_that_has_come(stream: HijackedStream, theirs: socket.socket) -> None:
    theirs.sendall(frame(b"one ") + frame(b"two") + frame(b"!", 2))
    assert stream.read(1.0) == b"one two"
    assert stream.stderr_tail() == b"!"


def test_what_came_with_the_head_of_the_answer_is_not_lost(
    pair: tuple[socket.socket, socket.socket], process: Process
) -> None:
    whole = frame(b"early and late")
    with HijackedStream(Upgraded(pair[0], whole[:13]), process, terminal=False) as stream:
        assert stream.read(0) == b"early"
        pair[1].sendall(whole[13:])
        assert stream.read(1.0) == b" and late"


def test_errors_alone_are_no_output(stream: HijackedStream, theirs: socket.socket) -> None:
    theirs.sendall(frame(b"x" * 5000, 2) + frame(b"the end", 2))
    with pytest.raises(EngineTimeout):
        stream.read(0.01)
    assert stream.stderr_tail() == b"x" * (4096 - 7) + b"the end"


def test_waiting_long_takes_no_processor_time(stream: HijackedStream) -> None:
    began = time.thread_time()
    with pytest.raises(EngineTimeout):
        stream.read(0.2)
    assert time.thread_time() - began < 0.02


def test_a_terminals_bytes_come_as_they_are(pair: tuple[socket.socket, socket.socket], process: Process) -> None:
    with HijackedStream(Upgraded(pair[0], b""), process, terminal=True) as stream:
        pair[1].sendall(frame(b"raw"))
        assert stream.read(1.0) == frame(b"raw")
        stream.resize(24, 80)
    assert process.size == (24, 80)


def test_the_end_stays_the_end(stream: HijackedStream, theirs: socket.socket) -> None:
    theirs.sendall(frame(b"last") + frame(b"cut off")[:9])
    theirs.shutdown(socket.SHUT_RDWR)
    assert [stream.read(1.0) for _ in range(3)] == [b"lastc", b"", b""]


def test_a_reset_connection_is_an_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs = server.accept()[0]
    with HijackedStream(Upgraded(ours, b""), Process(), terminal=False) as stream:
        # Closing with no time to linger sends a reset.
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        theirs.close()
        assert stream.read(5.0) == b""
        with pytest.raises(EngineError):
            stream.write(b"x")


def test_writing_takes_in_what_comes_so_that_nobody_waits_for_the_other(
    stream: HijackedStream, theirs: socket.socket
) -> None:
    data = os.urandom(8 << 20)

    def echo() -> None:
        """Sends before it receives on: it stands still as soon as nobody reads."""
        while piece := theirs.recv(1 << 16):
            theirs.sendall(frame(piece))
        theirs.shutdown(socket.SHUT_WR)

    echoing = in_thread(echo)
    stream.write(data, 30.0)
    stream.end_input()
    back = b""
    while piece := stream.read(10.0):
        back += piece
    echoing.join(10.0)
    assert back == data


def test_one_thread_may_read_while_another_writes(stream: HijackedStream, theirs: socket.socket) -> None:
    data = os.urandom(2 << 20)
    writing = in_thread(lambda: stream.write(data, 30.0))
    echoing = in_thread(lambda: [theirs.sendall(frame(received(theirs, 1 << 16))) for _ in range(32)])
    back = b""
    while len(back) < len(data):
        back += stream.read(10.0)
    writing.join(10.0)
    echoing.join(10.0)
    assert back == data


def test_what_is_not_taken_in_time_is_a_timeout(stream: HijackedStream) -> None:
    with pytest.raises(EngineTimeout):
        stream.write(bytes(8 << 20), 0.01)


def test_half_closing_leaves_the_output_open(stream: HijackedStream, theirs: socket.socket) -> None:
    stream.write(b"question")
    stream.end_input()
    assert received(theirs, 100) == b"question"
    theirs.sendall(frame(b"answer"))
    assert stream.read(1.0) == b"answer"
    with pytest.raises(EngineError):
        stream.write(b"more")


def test_closing_wakes_reader_and_writer(stream: HijackedStream, theirs: socket.socket) -> None:
    got: list[object] = []

    def write() -> None:
        try:
            stream.write(bytes(8 << 20))
        except EngineError as error:
            got.append(error)

    threads = [in_thread(lambda: got.append(stream.read(None))), in_thread(write)]
    assert theirs.recv(1)
    stream.close()
    stream.close()
    for thread in threads:
        thread.join(10.0)
    assert b"" in got
    assert any(isinstance(one, EngineError) for one in got)


@pytest.fixture
def asking_stream(pair: tuple[socket.socket, socket.socket], process: Process) -> Iterator[HijackedStream]:
    """A stream that asks for its process after 50 ms of silence."""
    with HijackedStream(Upgraded(pair[0], b""), process, terminal=False, pulse_s=0.05) as stream:
        yield stream


def test_a_process_that_the_engine_forgot_ends_its_stream(asking_stream: HijackedStream, process: Process) -> None:
    with pytest.raises(EngineTimeout):
        asking_stream.read(0.12)
    assert process.asked >= 2
    process.known = False
    assert asking_stream.read(None) == b""


def test_short_waits_add_up_until_the_engine_is_asked(asking_stream: HijackedStream, process: Process) -> None:
    process.known = False
    answers: list[bytes] = []
    while not answers:
        try:
            answers.append(asking_stream.read(0.01))
        except EngineTimeout:
            continue
    assert answers == [b""]


def test_output_in_time_asks_nobody(stream: HijackedStream, process: Process, theirs: socket.socket) -> None:
    for _ in range(100):
        theirs.sendall(frame(b"x"))
        assert stream.read(1.0) == b"x"
    assert process.asked == 0


def test_a_wait_is_as_long_as_asked_for(stream: HijackedStream) -> None:
    for timeout_s in (0, 0.05):
        start = time.monotonic()
        with pytest.raises(EngineTimeout):
            stream.read(timeout_s)
        assert timeout_s <= time.monotonic() - start < timeout_s + 2.0


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A certificate of 127.0.0.1 that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime(2020, 1, 1)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=36500))
    made = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    signed = made.sign(key, hashes.SHA256())
    folder: Path = tmp_path_factory.mktemp("tls")
    pem, unencrypted = serialization.Encoding.PEM, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(signed.public_bytes(pem))
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, unencrypted))
    return Tls(ca=folder / "cert.pem", certificate=folder / "cert.pem", key=folder / "key.pem")


@pytest.fixture
def tls_server(certificate: Tls) -> Iterator[tuple[str, list[bytes]]]:
    """The URL of a server that answers with as much as it gets, in frames, until end of file; and what it got."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    assert certificate.certificate
    context.load_cert_chain(certificate.certificate, certificate.key)
    got: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(10.0)

    def serve() -> None:
        try:
            with context.wrap_socket(server.accept()[0], server_side=True) as caller:
                while piece := caller.recv(1 << 16):
                    got.append(piece)
                    caller.sendall(frame(piece))
        except OSError:
            got.append(b"refused")

    serving = in_thread(serve)
    yield f"tcp://localhost:{server.getsockname()[1]}", got
    serving.join(10.0)
    server.close()


def test_a_stream_goes_over_tls_in_both_directions(certificate: Tls, tls_server: tuple[str, list[bytes]]) -> None:
    data = os.urandom(3 << 20)
    connected = dial(Endpoint(tls_server[0], certificate), 10.0)
    with HijackedStream(Upgraded(connected, b""), Process(), terminal=False) as stream:
        stream.write(data, 30.0)
        back = b""
        while len(back) < len(data):
            back += stream.read(10.0)
        stream.end_input()
        # Python's own end of the connection says nothing any more after that; the engine's, in Go, would.
        assert stream.read(10.0) == b""
    assert back == data == b"".join(tls_server[1])


def test_a_certificate_that_nobody_vouches_for_is_refused(tls_server: tuple[str, list[bytes]]) -> None:
    with pytest.raises(EngineUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        dial(Endpoint(tls_server[0], Tls()), 10.0)
