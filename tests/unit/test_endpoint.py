"""Where the engine answers, as the docker command's settings say it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.engine.dial import dial
from orchestrator.engine.endpoint import Endpoint, Tls, find_endpoint
from orchestrator.errors import EngineUnavailable


def write_context(home: Path, name: str, host: str, *, skip_verify: bool = False, tls: bool = False) -> None:
    place = hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker" / "contexts" / "meta" / place
    meta.mkdir(parents=True)
    docker = {"Host": host, "SkipTLSVerify": skip_verify}
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": docker}}))
    if tls:
        write_pem_files(home / ".docker" / "contexts" / "tls" / place / "docker")


def write_pem_files(folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ("ca", "cert", "key"):
        (folder / f"{name}.pem").touch()


def test_without_settings_it_is_the_local_socket(tmp_path: Path) -> None:
    endpoint = find_endpoint(None, {}, tmp_path)
    assert (endpoint.scheme, endpoint.path, endpoint.tls) == ("unix", "/var/run/docker.sock", None)


def test_docker_host_goes_before_contexts_and_a_url_before_both(tmp_path: Path) -> None:
    settings = {"DOCKER_HOST": "tcp://engine:2375", "DOCKER_CONTEXT": "far"}
    write_context(tmp_path, "far", "ssh://far")
    assert find_endpoint(None, settings, tmp_path).url == "tcp://engine:2375"
    assert find_endpoint("unix:///run/x.sock", settings, tmp_path).path == "/run/x.sock"
    assert find_endpoint(None, {"DOCKER_CONTEXT": "far"}, tmp_path).url == "ssh://far"


def test_the_current_context_is_that_of_the_configuration(tmp_path: Path) -> None:
    write_context(tmp_path, "lab", "tcp://lab:2376", tls=True)
    (tmp_path / ".docker" / "config.json").write_text('{"currentContext": "lab"}')
    endpoint = find_endpoint(None, {}, tmp_path)
    files = tmp_path / ".docker" / "contexts" / "tls" / hashlib.sha256(b"lab").hexdigest() / "docker"
    assert endpoint == Endpoint("tcp://lab:2376", Tls(files / "ca.pem", files / "cert.pem", files / "key.pem"))
    assert find_endpoint(None, {"DOCKER_CONTEXT": "default"}, tmp_path).scheme == "unix"
    assert find_endpoint(None, {"DOCKER_CONFIG": str(tmp_path / "none")}, tmp_path).scheme == "unix"


def test_a_context_may_trust_blindly(tmp_path: Path) -> None:
    write_context(tmp_path, "lab", "tcp://lab:2376", tls=True, skip_verify=True)
    tls = find_endpoint(None, {"DOCKER_CONTEXT": "lab"}, tmp_path).tls
    assert tls and not tls.verify


def test_tls_is_what_the_environment_says(tmp_path: Path) -> None:
    write_pem_files(tmp_path / "pem")
    settings = {"DOCKER_HOST": "tcp://engine", "DOCKER_CERT_PATH": str(tmp_path / "pem"), "DOCKER_TLS_VERIFY": "1"}
    endpoint = find_endpoint(None, settings, tmp_path)
    assert endpoint.tls == Tls(*(tmp_path / "pem" / f"{name}.pem" for name in ("ca", "cert", "key")))
    assert endpoint.port == 2376
    assert find_endpoint(None, {"DOCKER_HOST": "tcp://engine"}, tmp_path).port == 2375
    assert find_endpoint(None, settings | {"DOCKER_HOST": "unix:///x"}, tmp_path).tls is None


@pytest.mark.parametrize("url", ["unix://", "tcp://", "npipe:////./pipe/docker", "docker", "ssh://"])
def test_what_is_no_place_of_an_engine_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(EngineUnavailable, match="no place"):
        find_endpoint(url, {}, tmp_path)


def test_settings_that_can_not_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text("{")
    with pytest.raises(EngineUnavailable, match=r"config\.json"):
        find_endpoint(None, {}, tmp_path)
    with pytest.raises(EngineUnavailable, match="gone"):
        find_endpoint(None, {"DOCKER_CONTEXT": "gone", "DOCKER_CONFIG": str(tmp_path)}, tmp_path)


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A program `ssh` that notes its arguments and echoes; gives the file with its notes."""
    notes, program = tmp_path / "notes", tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {notes}\ncat\necho gone >> {notes}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    yield notes


def test_an_engine_behind_ssh_is_dialled_as_the_docker_command_does_it(ssh: Path) -> None:
    with dial(Endpoint("ssh://me@far:2222"), 10.0) as connected:
        connected.sendall(b"hello")
        assert connected.recv(100) == b"hello"
    said = ssh.read_text().splitlines()
    assert said[said.index("-l") :][:7] == ["-l", "me", "-p", "2222", "--", "far", "docker system dial-stdio"]
    assert "BatchMode=yes" in said
    while not ssh.read_text().endswith("gone\n"):
        pass
