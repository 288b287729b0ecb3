"""What is done about an engine that does not answer, and on which machines."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.engine.base import Progress
from orchestrator.engine.command import Ended, Runner
from orchestrator.engine.daemon import Daemon, start, tail
from orchestrator.engine.endpoint import DEFAULT_URL, Endpoint
from orchestrator.engine.fake import FakeEngine
from orchestrator.engine.install import Decision, Step, decide, ensure_engine, is_listening, packages
from orchestrator.engine.machine import Machine, this_machine
from orchestrator.errors import EngineUnavailable

HERE = Endpoint(DEFAULT_URL)
DEBIAN = Machine("Linux", "x86_64", {"ID": "debian"}, frozenset({"apt-get", "service"}), is_root=True)
UBUNTU = replace(DEBIAN, release={"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, has_systemd=True)
FEDORA = Machine("Linux", "x86_64", {"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, is_root=True)
MAC = Machine("Darwin", "arm64")


def with_engine(machine: Machine) -> Machine:
    return replace(machine, programs=machine.programs | {"dockerd"})


def decided(machine: Machine) -> Decision:
    return decide(machine, HERE, is_listening=False)


@pytest.mark.parametrize("machine", [DEBIAN, UBUNTU])
def test_root_on_debian_gets_an_engine(machine: Machine) -> None:
    assert decided(machine).steps == (Step.INSTALL, Step.START)


@pytest.mark.parametrize("machine", [DEBIAN, UBUNTU, FEDORA])
def test_an_engine_that_is_there_is_only_started(machine: Machine) -> None:
    assert decided(with_engine(machine)).steps == (Step.START,)


@pytest.mark.parametrize(
    ("machine", "command"),
    [
        (replace(UBUNTU, is_root=False), "sudo apt-get install docker.io"),
        (replace(DEBIAN, is_root=False), "sudo apt-get install docker.io && sudo service docker start"),
        (replace(UBUNTU, may_install=False), "sudo apt-get install docker.io"),
        (with_engine(replace(UBUNTU, is_root=False)), "sudo systemctl start docker"),
        (with_engine(replace(DEBIAN, may_install=False)), "sudo service docker start"),
        (FEDORA, "sudo dnf install docker-ce && sudo systemctl enable --now docker"),
        (Machine("Linux", "x86_64", {"ID": "arch"}), "sudo pacman -S docker && sudo systemctl enable --now docker"),
        (MAC, "start Docker Desktop: open -a Docker"),
    ],
)
def test_anybody_else_is_told_one_command(machine: Machine, command: str) -> None:
    assert decided(machine) == Decision(fix=command)


@pytest.mark.parametrize("machine", [Machine("Linux", "x86_64", {"ID": "plan9"}), Machine("Windows", "AMD64")])
def test_an_unknown_machine_is_told_where_to_read_on(machine: Machine) -> None:
    assert "https://docs.docker.com" in decided(machine).fix


@pytest.mark.parametrize(
    ("endpoint", "listening"),
    [
        (Endpoint("tcp://lab.example:2376"), False),
        (Endpoint("ssh://root@lab.example"), False),
        (Endpoint("unix:///run/user/1000/docker.sock"), False),
        (HERE, True),
    ],
)
def test_other_engines_and_engines_that_listen_are_none_of_our_business(endpoint: Endpoint, listening: bool) -> None:
    assert decide(DEBIAN, endpoint, is_listening=listening) == Decision()


def test_what_is_installed_depends_on_what_the_machine_lacks() -> None:
    assert packages(replace(DEBIAN, has_systemd=True)) == ["docker.io", "ca-certificates", "iptables"]
    extra = packages(replace(DEBIAN, has_overlay=False, has_apparmor=True))[3:]
    assert extra == ["apparmor", "cgroupfs-mount", "fuse-overlayfs"]


class Connection:
    """Reaches no engine the first `failures` times."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.tried = 0

    def __call__(self) -> FakeEngine:
        self.tried += 1
        if self.tried <= self.failures:
            raise EngineUnavailable("no container engine answers", fix="start it")
        return FakeEngine()


class Commands:
    """Runs nothing; the programs in `failing` fail."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.ran: list[str] = []

    def __call__(self, argv: Sequence[str], say: Progress, *, output: object = None) -> Ended:
        self.ran.append(" ".join(argv))
        failed = any(name in self.ran[-1] for name in self.failing)
        return Ended(100 if failed else 0, ("E: no such package",) if failed else ())


def starter(alive: bool = True) -> Callable[[Machine, Runner], Daemon]:
    return lambda machine, runner: Daemon("dockerd", lambda: alive, lambda: "    its last words")


def test_an_engine_that_answers_is_taken_without_a_word() -> None:
    said: list[str] = []
    ensure_engine(Connection(0), said.append, machine=DEBIAN, endpoint=HERE, starter=starter(False))
    assert said == []


def ensured(connection: Connection, run: Commands, **options: object) -> tuple[FakeEngine, list[str]]:
    said: list[str] = []
    engine = ensure_engine(
        connection,
        said.append,
        machine=options.get("machine", DEBIAN),  # type: ignore[arg-type]
        endpoint=HERE,
        runner=run,
        starter=options.get("starter", starter()),  # type: ignore[arg-type]
        listening=lambda path: False,
        patience_s=5,
    )
    return engine, said


def test_an_engine_is_installed_started_waited_for_and_this_is_said() -> None:
    connection, run = Connection(3), Commands()
    _, said = ensured(connection, run)
    assert connection.tried == 4
    assert len(run.ran) == 1
    assert "install --yes --no-install-recommends docker.io" in run.ran[0]
    assert "IPCLAB_NO_INSTALL" in said[0]
    assert "dockerd" in said[1]


def test_an_installation_that_fails_shows_its_last_lines_and_the_command() -> None:
    with pytest.raises(EngineUnavailable, match="E: no such package") as caught:
        ensured(Connection(99), Commands("install", "update"))
    assert caught.value.fix.startswith("sudo apt-get install docker.io")


def test_an_engine_that_ends_at_once_is_not_waited_for() -> None:
    connection = Connection(99)
    with pytest.raises(EngineUnavailable, match=r"ended at once\n {4}its last words"):
        ensured(connection, Commands(), starter=starter(alive=False))
    assert connection.tried == 2


def test_nothing_is_done_where_we_may_not_and_the_command_is_told() -> None:
    run = Commands()
    with pytest.raises(EngineUnavailable, match="no container engine answers") as caught:
        ensured(Connection(99), run, machine=replace(DEBIAN, may_install=False))
    assert caught.value.fix == "sudo apt-get install docker.io && sudo service docker start"
    assert run.ran == []


def test_an_error_that_knows_better_keeps_its_own_advice() -> None:
    with pytest.raises(EngineUnavailable) as caught:
        ensure_engine(
            Connection(99), print, machine=DEBIAN, endpoint=HERE, runner=Commands(), listening=lambda path: True
        )
    assert caught.value.fix == "start it"


def test_a_socket_is_listened_at_only_while_somebody_does(tmp_path: Path) -> None:
    path = str(tmp_path / "engine.sock")
    assert not is_listening(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        assert not is_listening(path)
        server.listen()
        assert is_listening(path)
    assert not is_listening(path)


def test_systemd_starts_the_engine_where_it_runs() -> None:
    run = Commands()
    daemon = start(replace(DEBIAN, has_systemd=True), run)
    assert (run.ran, daemon.is_alive()) == (["systemctl start docker"], True)
    daemon.log()
    assert run.ran[-1].startswith("journalctl --unit docker")


def test_a_unit_that_fails_is_not_alive() -> None:
    assert not start(replace(DEBIAN, has_systemd=True), Commands("systemctl")).is_alive()


def test_an_init_script_starts_the_engine_elsewhere() -> None:
    run = Commands()
    daemon = start(DEBIAN, run)
    assert daemon.how == "service docker start"
    assert daemon.is_alive()
    assert run.ran == ["service docker start", "service docker status"]


DAEMON = """
import sys, time
from pathlib import Path
from orchestrator.engine.daemon import as_process
daemon = as_process(["sh", "-c", "echo $$; echo storage driver: none >&2; exec sleep 300"], Path(sys.argv[1]))
while "storage" not in daemon.log():
    time.sleep(0.01)
print(daemon.is_alive(), flush=True)
"""


def test_an_engine_of_its_own_outlives_us_and_has_a_log(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    root = str(Path(__file__).parents[2])
    said = subprocess.run([sys.executable, "-c", DAEMON, str(log)], capture_output=True, cwd=root, check=True).stdout
    pid, complaint = log.read_text().splitlines()
    try:
        assert said == b"True\n"
        assert complaint == "storage driver: none"
        assert Path(f"/proc/{pid}/comm").read_text() == "sleep\n"
    finally:
        subprocess.run(["kill", pid], check=True)


def test_the_end_of_a_log_is_shown_and_a_missing_log_is_no_error(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(9999)))
    assert tail(log, lines=2) == "    line 9997\n    line 9998"
    assert tail(tmp_path / "none") == ""


def root_with(tmp_path: Path, **files: str) -> Path:
    for name, content in files.items():
        path = tmp_path / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


OS_RELEASE = '# a comment\nID=ubuntu\nID_LIKE="debian"\nVERSION_CODENAME=noble\n\n'


def test_a_machine_is_what_its_files_say(tmp_path: Path) -> None:
    root = root_with(tmp_path, etc__os_release="x", proc__filesystems="nodev\tproc\nnodev\toverlay\n")
    (root / "etc/os-release").write_text(OS_RELEASE)
    (root / "run/systemd/system").mkdir(parents=True)
    machine = this_machine({"PATH": "/usr/bin", "IPCLAB_NO_INSTALL": "1"}, root)
    assert machine.release == {"ID": "ubuntu", "ID_LIKE": "debian", "VERSION_CODENAME": "noble"}
    assert (machine.has_systemd, machine.has_overlay, machine.has_apparmor) == (True, True, False)
    assert not machine.may_install


@pytest.mark.parametrize(("value", "may"), [("", True), ("0", True), ("1", False), ("yes", False)])
def test_the_environment_forbids_an_installation(tmp_path: Path, value: str, may: bool) -> None:
    assert this_machine({"IPCLAB_NO_INSTALL": value}, tmp_path).may_install is may


def test_a_machine_without_any_of_the_files_is_a_machine_still(tmp_path: Path) -> None:
    machine = this_machine({}, tmp_path)
    assert machine.release == {}
    assert not machine.is_debian_family
    assert not machine.has_overlay


def test_finding_out_about_a_machine_takes_no_time_to_speak_of() -> None:
    began = time.perf_counter()
    this_machine()
    assert time.perf_counter() - began < 0.1
