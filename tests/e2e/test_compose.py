"""The exported Compose file: docker-compose alone makes hosts of it in which the checks pass."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from orchestrator.engine.client import Clients
from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.endpoint import find_endpoint
from orchestrator.labels import InstanceName
from orchestrator.ui.compose import INSTANCE

COMPOSE = shutil.which("docker-compose")

pytestmark = [
    pytest.mark.docker,
    pytest.mark.xdist_group("compose"),
    pytest.mark.skipif(COMPOSE is None, reason="docker-compose is not installed"),
]

ROOT = Path(__file__).parents[2]
PROJECT = "ipclab-compose-test"


def run(*command: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done


def docker_compose(*arguments: str) -> str:
    assert COMPOSE is not None
    return run(COMPOSE, "-p", PROJECT, "-f", "compose/lab-11.yaml", *arguments).stdout


@pytest.fixture(scope="module")
def by_hand() -> Iterator[Any]:
    """The engine's own API: what we did not make is not in what we observe."""
    clients = Clients(find_endpoint(None, os.environ, Path.home()), 60.0)
    with clients.calling("look") as client:
        yield client
    clients.close()


def left(by_hand: Any) -> list[Any]:
    """Containers, networks and volumes of the project."""
    filters = {"label": f"com.docker.compose.project={PROJECT}"}
    containers, networks = by_hand.containers(all=True, filters=filters), by_hand.networks(filters=filters)
    return [*containers, *networks, *(by_hand.volumes(filters=filters)["Volumes"] or [])]


@pytest.fixture(scope="module", autouse=True)
def up(by_hand: Any) -> Iterator[None]:
    """Hosts of docker-compose's making."""
    run(sys.executable, "-c", "from orchestrator.cli import main; main()", "build", timeout_s=280)
    try:
        docker_compose("up", "-d")
        yield
    finally:
        docker_compose("down", "-v", "-t", "1")
    assert left(by_hand) == []


def namespaces(engine: DockerEngine, *parts: str) -> bytes:
    container = InstanceName("lab-11", INSTANCE).named(*parts)
    with engine.open_exec(
        container, ["readlink", *(f"/proc/self/ns/{kind}" for kind in ("ipc", "net", "pid"))]
    ) as stream:
        found = b""
        while part := stream.read(timeout_s=20):
            found += part
    return found


def test_its_hosts_are_whole() -> None:
    engine = DockerEngine.connect()
    try:
        alpha, beta = namespaces(engine, "alpha"), namespaces(engine, "beta")
        assert alpha == namespaces(engine, "alpha", "left") == namespaces(engine, "alpha", "right")
        assert beta == namespaces(engine, "beta", "main") != alpha
    finally:
        engine.close()


def test_the_reference_passes_every_check_in_it(tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    lab = ["labs/lab-11", "--instance", INSTANCE, "--as-is", "--reference", f"--junitxml={report}"]
    run(sys.executable, "-m", "pytest", "-q", *lab, timeout_s=280)
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None
    assert int(suite.get("tests", "0")) > 30
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("0", "0", "0")
