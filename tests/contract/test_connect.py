"""Ways to an engine: each ends at the local one."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.docker import DockerEngine
from orchestrator.errors import EngineUnavailable

if TYPE_CHECKING:
    from tests.contract.conftest import Bench

pytestmark = pytest.mark.docker

needs_command = pytest.mark.skipif(shutil.which("docker") is None, reason="needs the docker command")


@pytest.fixture
def ssh_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An engine behind a program `ssh` that runs the remote command here."""
    program = tmp_path / "ssh"
    program.write_text('#!/bin/sh\nunset DOCKER_HOST\nfor command; do :; done\nexec sh -c "$command"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return "ssh://someone@somewhere"


@pytest.fixture
def tcp_url(docker_engine: DockerEngine) -> Iterator[str]:
    """An engine behind a TCP port that leads to the local one's socket."""
    server = socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = []

    def copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        while True:
            try:
                caller = server.accept()[0]
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(docker_engine.endpoint.path)
            ends.extend((caller, engine))
            for pair in ((caller, engine), (engine, caller)):
                threading.Thread(target=copy, args=pair, daemon=True).start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    accepting.join(10.0)
    for end in ends:
        end.close()


@pytest.fixture(params=[pytest.param("ssh_url", marks=needs_command), "tcp_url"])
def engine(request: pytest.FixtureRequest) -> Iterator[DockerEngine]:
    engine = DockerEngine.connect(request.getfixturevalue(request.param), timeout_s=20.0)
    yield engine
    engine.close()


def test_it_is_the_same_engine(engine: DockerEngine, docker_engine: DockerEngine) -> None:
    assert engine.info() == docker_engine.info()
    assert engine.observe().subnets


def test_a_processs_streams_go_there_and_back(engine: DockerEngine, docker_bench: Bench) -> None:
    sandbox = docker_bench.running_sandbox()
    data = bytes(range(256)) * 4096
    with engine.open_exec(sandbox.name, ["cat"]) as stream:
        stream.write(data, 20.0)
        stream.end_input()
        back = b""
        while piece := stream.read(20.0):
            back += piece
    assert back == data


def test_nobody_behind_ssh_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ssh"
    program.write_text("#!/bin/sh\nexit 255\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(EngineUnavailable, match="ssh://nobody"):
        DockerEngine.connect("ssh://nobody", timeout_s=5.0)
