"""Clients against a server of the test's own: versions, silence, death."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import docker.constants  # noqa: TID251 - what the newest version is that docker-py knows
import pytest

from orchestrator.engine.client import Clients
from orchestrator.engine.dial import dial
from orchestrator.engine.endpoint import Endpoint
from orchestrator.engine.upgrade import upgrade
from orchestrator.errors import EngineError, EngineTimeout, EngineUnavailable, ObjectConflict, ObjectMissing

PONG = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"


class Server:
    """Answers each request on a Unix socket with the next of its answers; b"" closes, None says nothing for ever."""

    def __init__(self, path: Path) -> None:
        self.endpoint = Endpoint(f"unix://{path}")
        self.answers: list[bytes | None] = [PONG]
        self.requests: list[bytes] = []
        self.connections = 0
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10.0)
        for caller in self._open:
            caller.close()

    def _serve(self) -> None:
        while True:
            try:
                caller = self._socket.accept()[0]
            except OSError:
                return
            self.connections += 1
            self._open.append(caller)
            threading.Thread(target=self._answer, args=(caller,)).start()

    def _answer(self, caller: socket.socket) -> None:
        while request := self._request(caller):
            self.requests.append(request)
            answer = self.answers.pop(0)
            if answer is None:
                return
            if not answer:
                caller.shutdown(socket.SHUT_RDWR)
                return
            caller.sendall(answer)

    @staticmethod
    def _request(caller: socket.socket) -> bytes:
        try:
            return caller.recv(65536)
        except OSError:
            return b""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "engine.sock")
    yield server
    server.close()


@pytest.fixture
def connect(server: Server) -> Iterator[Callable[..., Clients]]:
    made: list[Clients] = []

    def connect(timeout_s: float = 10.0) -> Clients:
        made.append(Clients(server.endpoint, timeout_s))
        return made[-1]

    yield connect
    for clients in made:
        clients.close()


def pong(version: str) -> bytes:
    return PONG.replace(b"1.41", version.encode())


def refusal(status: int, message: str) -> bytes:
    body = f'{{"message": "{message}"}}'.encode()
    head = f"HTTP/1.1 {status} No\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def test_an_old_engine_is_spoken_to_in_its_own_version(server: Server, connect: Callable[..., Clients]) -> None:
    clients = connect()
    assert (clients.versions.spoken, clients.versions.engine) == ("1.41", "1.41")
    assert server.requests[0].startswith(b"GET /_ping ")
    server.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"]
    with clients.calling("list") as client:
        assert client.networks() == []
    assert server.requests[1].startswith(b"GET /v1.41/networks")


def test_a_new_engine_is_spoken_to_in_the_newest_version_that_we_know(
    server: Server, connect: Callable[..., Clients]
) -> None:
    server.answers = [pong("1.99")]
    versions = connect().versions
    assert (versions.spoken, versions.engine) == (docker.constants.DEFAULT_DOCKER_API_VERSION, "1.99")


def test_an_engine_that_is_too_old_is_refused(server: Server, connect: Callable[..., Clients]) -> None:
    server.answers = [pong("1.40")]
    with pytest.raises(EngineUnavailable, match=r"1\.40.*1\.41 is needed"):
        connect()


def test_what_is_no_engine_is_refused(server: Server, connect: Callable[..., Clients]) -> None:
    server.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"]
    with pytest.raises(EngineUnavailable, match="no Docker Engine"):
        connect()


def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="no container engine answers"):
        Clients(Endpoint(f"unix://{tmp_path}/none.sock"), 1.0)


def test_silence_is_a_timeout(server: Server, connect: Callable[..., Clients]) -> None:
    clients = connect(0.05)
    server.answers = [None]
    with pytest.raises(EngineTimeout, match=r"can't list: .* within 0\.05 s"), clients.calling("list") as client:
        client.networks()


def test_a_body_that_stays_away_is_a_timeout(server: Server, connect: Callable[..., Clients]) -> None:
    clients = connect(0.05)
    server.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n["]
    with pytest.raises(EngineTimeout), clients.calling("list") as client:
        client.networks()


def test_an_engine_that_dies_within_a_call_is_unavailable(server: Server, connect: Callable[..., Clients]) -> None:
    clients = connect()
    server.answers = [b""]
    with pytest.raises(EngineUnavailable), clients.calling("list") as client:
        client.networks()


def test_refusals_become_our_errors(server: Server, connect: Callable[..., Clients]) -> None:
    clients = connect()
    server.answers = [refusal(404, "No such container: x"), refusal(409, "in the way"), refusal(500, "broken")]
    for kind in (ObjectMissing, ObjectConflict, EngineError):
        with pytest.raises(kind, match="can't remove x"), clients.calling("remove x") as client:
            client.remove_container("x")


def test_what_is_no_json_is_an_error_of_the_engine(server: Server, connect: Callable[..., Clients]) -> None:
    clients = connect()
    server.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"]
    with pytest.raises(EngineError, match="can't list"), clients.calling("list") as client:
        client.networks()


def test_a_connection_serves_one_call_after_the_other(server: Server, connect: Callable[..., Clients]) -> None:
    clients = connect()
    server.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]"] * 3
    for _ in range(3):
        with clients.calling("list") as client:
            client.networks()
    # The first was for asking which version to speak.
    assert server.connections == 2


def test_two_at_a_time_have_a_client_each(connect: Callable[..., Clients]) -> None:
    clients = connect()
    with clients.calling("one") as one, clients.calling("another") as another:
        assert one is not another
    with clients.calling("again") as again:
        assert again in (one, another)


def test_our_own_mistakes_stay_what_they_are(connect: Callable[..., Clients]) -> None:
    with pytest.raises(KeyError), connect().calling("err"):
        raise KeyError("ours")


def test_a_stream_begins_with_what_came_behind_the_head(server: Server) -> None:
    server.answers = [b"HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nearly"]
    upgraded = upgrade(
        dial(server.endpoint, 5.0), server.endpoint, "/exec/x/start", {"Tty": False}, doing="run", timeout_s=5.0
    )
    with upgraded.socket:
        assert upgraded.early == b"early"
    assert server.requests[0].startswith(b"POST /exec/x/start HTTP/1.1\r\n")
    assert server.requests[0].endswith(b'{"Tty": false}')


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(404, "No such exec instance: x"), ObjectMissing),
        (refusal(409, "Container x is not running"), ObjectConflict),
        (b"HTTP/1.1 500 No\r\nContent-Length: 4\r\n\r\noops", EngineError),
        (b"", EngineUnavailable),
        (b"HTTP/1.1 101", EngineTimeout),
        (b"SSH-2.0-OpenSSH\r\n\r\n", EngineError),
        (None, EngineTimeout),
    ],
)
def test_a_stream_that_is_refused_is_an_error(server: Server, answer: bytes | None, kind: type[Exception]) -> None:
    server.answers = [answer]
    with pytest.raises(kind):
        upgrade(dial(server.endpoint, 0.1), server.endpoint, "/exec/x/start", {}, doing="run", timeout_s=0.1)


def test_importing_the_engine_leaves_paramiko_alone_and_importable() -> None:
    code = "import orchestrator.engine.docker, sys; assert 'paramiko' not in sys.modules; import paramiko"
    subprocess.run([sys.executable, "-c", code], check=True)
