"""What the doctor reports: each finding with its level and what to do, whatever goes wrong on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import pytest

from orchestrator.doctor import Level, Report, Row, examine, kernel_rows
from orchestrator.engine.base import EngineInfo, ExecStream
from orchestrator.engine.fake import INFO, FakeEngine
from orchestrator.errors import EngineError, EngineUnavailable, MachineError
from orchestrator.labels import InstanceName
from orchestrator.trial import try_out
from orchestrator.world import NetworkSpec

IMAGE = "ipclab/lab:latest"
WELL: Mapping[str, Any] = {
    "sysv_shm": "",
    "sysv_sem": "",
    "sysv_msg": "",
    "posix_mq": "",
    "posix_shm": "",
    "fifo": "",
    "veth": True,
    "ipv6": True,
    "init": ["sandbox", "patient"],
    "seccomp": "2",
    "no_new_privileges": "1",
    "limits": {"memory": 1 << 27, "swap": 1 << 27, "pids": 32},
    "overlay": True,
    "sysctls": {"kernel.shmmni": "17", "fs.mqueue.queues_max": "17"},
    "free_bytes": 80 * 10**9,
    "image_bytes": 235 * 10**6,
    "gcc": "gcc (Debian 12.2.0-14+deb12u1) 12.2.0",
}


class Spoken:
    """A process that says this and ends."""

    def __init__(self, said: bytes, complaint: bytes = b"") -> None:
        self.said = [said[:10], said[10:]]
        self.complaint = complaint

    def fileno(self) -> int:
        return -1

    def read(self, timeout_s: float | None) -> bytes:
        return self.said.pop(0) if self.said else b""

    def write(self, data: bytes, timeout_s: float | None = None) -> None: ...

    def end_input(self) -> None: ...

    def stderr_tail(self) -> bytes:
        return self.complaint

    def resize(self, rows: int, columns: int) -> None: ...

    def exit_code(self) -> int | None:
        return 0

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def saying(said: bytes, complaint: bytes = b"") -> Callable[[str, Sequence[str]], ExecStream]:
    return lambda container, argv: Spoken(said, complaint)


class Engine(FakeEngine):
    """An engine in memory that says this of itself."""

    def __init__(self, said: EngineInfo = INFO, images: Sequence[str] = (IMAGE,), **found: Any) -> None:
        super().__init__(images=images, on_exec=saying(json.dumps({**WELL, **found}).encode()))
        self.said = said

    def info(self) -> EngineInfo:
        return self.said


def report(engine: FakeEngine | MachineError) -> Report:
    return examine(engine, find=lambda name: None)


def row(found: Report, what: str) -> Row:
    (one,) = [row for row in found.rows if row.what == what]
    return one


SECURE = replace(INFO, security=("name=seccomp,profile=default",))


def test_a_machine_that_has_everything_gets_no_advice_but_to_build_what_is_here_now() -> None:
    found = report(Engine(SECURE))
    assert [one for one in found.rows if one.level is not Level.OK] == [row(found, "lab image")]
    assert "ipclab build" in row(found, "lab image").fix
    assert found.is_healthy


def test_each_row_that_is_not_right_says_what_to_do() -> None:
    broken = {key: "Function not implemented" for key, value in WELL.items() if value == ""}
    limits = {"memory": None, "swap": None, "pids": None}
    found = [
        *report(Engine(replace(INFO, local=False, memory_bytes=1, storage_driver="vfs"))).rows,
        *kernel_rows(
            {**WELL, **broken, "limits": limits, "veth": False, "overlay": False, "free_bytes": 1, "gcc": ""}
            | {"seccomp": "0", "sysctls": {"kernel.shmmni": "4096", "fs.mqueue.queues_max": "17"}}
        ),
    ]
    assert [one for one in found if (one.level is Level.OK) != (one.fix == "")] == []
    assert len([one for one in found if one.fix]) >= 18


def test_without_an_engine_its_error_is_the_finding_and_the_rest_is_told_still() -> None:
    found = report(EngineUnavailable("no container engine answers", fix="sudo systemctl start docker"))
    assert row(found, "engine") == Row(
        "engine", "no container engine answers", Level.MISSING, "sudo systemctl start docker"
    )
    assert not found.is_healthy
    assert {one.what for one in found.rows} >= {"python", "docker-compose"}


def test_without_the_image_the_kernel_is_not_known() -> None:
    engine = Engine(images=())
    found = report(engine)
    assert row(found, "kernel").found == "unknown until the image is built"
    assert row(found, "lab image").level is Level.WARN
    assert engine.calls == []


@pytest.mark.parametrize(
    ("finding", "what", "level"),
    [
        ({"posix_mq": "No such device"}, "POSIX message queues", Level.MISSING),
        ({"sysv_sem": "Function not implemented"}, "System V semaphores", Level.MISSING),
        ({"veth": False}, "network", Level.MISSING),
        ({"ipv6": False}, "network", Level.MISSING),
        ({"overlay": False}, "overlay file system", Level.WARN),
        ({"seccomp": "0"}, "confinement", Level.WARN),
        ({"no_new_privileges": "0"}, "confinement", Level.WARN),
        ({"limits": {"memory": 1, "swap": None, "pids": 1}}, "limits", Level.WARN),
        ({"limits": {"memory": None, "swap": None, "pids": 1}}, "limits", Level.MISSING),
        ({"sysctls": {"kernel.shmmni": "4096", "fs.mqueue.queues_max": "17"}}, "namespaced sysctls", Level.WARN),
        ({"gcc": ""}, "compiler", Level.MISSING),
        ({"free_bytes": 10**9}, "free disk space", Level.WARN),
    ],
)
def test_a_finding_of_the_trial_has_its_level(finding: dict[str, Any], what: str, level: Level) -> None:
    found = report(Engine(SECURE, **finding))
    assert row(found, what).level is level
    assert row(found, what).fix
    assert found.is_healthy is (level is Level.WARN)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"local": False}, "place"),
        ({"memory_bytes": 512 << 20}, "machine"),
        ({"storage_driver": "vfs"}, "storage"),
        ({"security": ()}, "seccomp"),
        ({"security": ("name=seccomp,profile=unconfined",)}, "seccomp"),
    ],
)
def test_what_an_engine_says_of_itself_has_its_level(change: dict[str, Any], what: str) -> None:
    assert row(report(Engine(replace(SECURE, **change))), what).level is Level.WARN


def test_a_trial_leaves_nothing_behind() -> None:
    engine = Engine()
    assert try_out(engine, IMAGE) == WELL
    left = engine.observe()
    assert (left.containers, left.networks, left.volumes) == ((), (), ())
    assert len(engine.calls) >= 8


@pytest.mark.parametrize("call", range(1, 8))
def test_a_trial_that_fails_at_any_call_leaves_nothing_behind_and_is_a_row(call: int) -> None:
    engine = Engine()
    engine.fail_at(call, EngineError("can't do it", fix="try again"))
    failed = row(report(engine), "trial of a host")
    assert (failed.found, failed.level, failed.fix) == ("can't do it", Level.MISSING, "try again")
    left = engine.observe()
    assert (left.containers, left.networks, left.volumes) == ((), (), ())


@pytest.mark.parametrize("said", [b"", b"Traceback", b"[1, 2]", b"\xff\xfe"])
def test_a_probe_that_says_something_else_is_an_error_of_the_machine(said: bytes) -> None:
    engine = FakeEngine(images=[IMAGE], on_exec=saying(said, b"python3: not found"))
    with pytest.raises(MachineError, match="trial"):
        try_out(engine, IMAGE)


def test_instances_of_labs_are_named_and_those_of_a_killed_doctor_told_apart() -> None:
    engine = Engine()
    assert row(report(engine), "instances").found == "none is up"
    engine.create_network(network_of(InstanceName("lab-11"), 1))
    engine.create_network(network_of(InstanceName("lab-11", "two"), 2))
    assert row(report(engine), "instances").found == "lab-11, lab-11/two"
    engine.create_network(network_of(InstanceName("doctor", "t1234"), 3))
    assert row(report(engine), "instances").level is Level.WARN


def network_of(name: InstanceName, number: int) -> NetworkSpec:
    addresses = (f"10.99.{number}.0/28", f"fd00:99:{number:x}::/64")
    return NetworkSpec(name.named("net-lan"), "lan", *addresses, 0, name.labels("network", network="lan"))


def test_the_compose_command_is_optional() -> None:
    assert row(examine(Engine(), find=lambda name: f"/usr/bin/{name}"), "docker-compose").found.startswith("/usr/bin")
    assert row(report(Engine()), "docker-compose").level is Level.OK
