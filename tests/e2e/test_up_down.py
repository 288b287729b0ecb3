"""Bringing an instance up and down on a real engine, with everything that can get in between.

Run as a program, this file is the orchestrator that the tests kill: it prints each operation as it starts it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.convergence import converge
from orchestrator.engine.client import Clients
from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.endpoint import find_endpoint
from orchestrator.errors import ObjectConflict
from orchestrator.executor import Event, Stage, ignore
from orchestrator.labels import InstanceName
from orchestrator.lifecycle import build_image
from orchestrator.plan import Plan
from orchestrator.reconcile import reconcile
from orchestrator.resolve import resolve
from orchestrator.settled import all_references
from orchestrator.slots import choose_slot
from orchestrator.spec.lab import Lab
from orchestrator.spec.load import load_lab_only
from orchestrator.world import Desired, ImageSpec, Observed

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("up-down")]

LAB_NAME = "lab-98"
DEFINITION: dict[str, Any] = {
    "title": "Two hosts that go up and down",
    "networks": {"lan": {"ipv4": "10.98.0.0/28", "ipv6": "fd00:98::/64"}},
    "limits": {"mqueue": "512KiB"},
    "hosts": {
        "alpha": {
            "containers": {"left": {}, "right": {}},
            "networks": {"lan": {"ipv4": "10.98.0.2", "ipv6": "fd00:98::2"}},
        },
        "beta": {
            "containers": {"solo": {}},
            "networks": {"lan": {"ipv4": "10.98.0.3", "ipv6": "fd00:98::3"}},
        },
    },
}
CHILD_TIMEOUT_S = 60


@dataclass
class Instance:
    """One instance of the lab in `folder`, and an orchestrator for it in this process."""

    engine: DockerEngine
    image: str
    folder: Path
    name: InstanceName
    lab: Lab = field(init=False)

    def __post_init__(self) -> None:
        self.lab = load_lab_only(self.folder).lab

    def desired(self, observed: Observed) -> Desired:
        slot = choose_slot(self.lab, self.name, observed)
        return resolve(self.lab, self.name, slot=slot, images={"lab": self.image})

    def converge(self, desired_of: Callable[[Observed], Desired | None], on_event: Callable[[Event], None]) -> Plan:
        return converge(
            self.name,
            desired_of,
            self.engine,
            build_image=lambda spec: build_image(self.engine, spec, None, print),
            images=[self.image],
            on_event=on_event,
            locks=self.folder,
        )

    def up(self, on_event: Callable[[Event], None] = ignore) -> Plan:
        return self.converge(self.desired, on_event)

    def down(self, on_event: Callable[[Event], None] = ignore) -> Plan:
        return self.converge(lambda observed: None, on_event)

    def observe(self) -> Observed:
        return self.engine.observe(self.name, images=[self.image])

    def plan(self) -> list[str]:
        """What `up` would do now, names shortened."""
        observed = self.observe()
        return str(reconcile(self.desired(observed), observed)).replace(self.name.named(""), "").splitlines()

    def assert_gone(self) -> None:
        left = self.observe()
        assert (left.containers, left.networks, left.volumes) == ((), (), ())

    def assert_whole(self) -> None:
        """There is nothing left to do, and the kernel agrees: each container is in its sandbox's namespaces."""
        assert self.plan() == ["nothing to do"]
        for spec in self.desired(self.observe()).containers:
            assert self.namespaces(spec.name) == self.namespaces(spec.sandbox)

    def namespaces(self, container: str) -> list[str]:
        links = [f"/proc/self/ns/{kind}" for kind in ("ipc", "net", "pid")]
        return self.run(container, "readlink", *links).splitlines()

    def run(self, container: str, *argv: str) -> str:
        """What a command in a container prints."""
        with self.engine.open_exec(container, argv) as stream:
            output = b""
            while part := stream.read(timeout_s=20):
                output += part
            assert stream.exit_code() == 0, stream.stderr_tail().decode()
        return output.decode()

    def named(self, *parts: str) -> str:
        return self.name.named(*parts)


def write_lab(folder: Path, **hosts: Any) -> Path:
    """A lab's folder whose hosts are changed in some keys."""
    changed = {name: host | hosts.get(name, {}) for name, host in DEFINITION["hosts"].items()}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lab.yaml").write_text(yaml.safe_dump(DEFINITION | {"hosts": changed}, sort_keys=False))
    return folder


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    engine = DockerEngine.connect()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def image(engine: DockerEngine, folder: Path) -> str:
    """The image that hosts are made of, built if need be."""
    reference = all_references()["lab"]
    build_image(engine, ImageSpec("lab", reference), None, print)
    return reference


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lab(tmp_path_factory.mktemp("up-down") / "labs" / LAB_NAME)


@contextmanager
def taken_down(instance: Instance) -> Iterator[Instance]:
    """The instance, and in the end nothing of it."""
    try:
        yield instance
    finally:
        instance.down()
        instance.assert_gone()


@pytest.fixture(scope="module")
def instance(engine: DockerEngine, image: str, folder: Path) -> Iterator[Instance]:
    with taken_down(Instance(engine, image, folder, InstanceName(LAB_NAME, f"t{os.getpid()}"))) as instance:
        yield instance


@pytest.fixture
def up(instance: Instance) -> Instance:
    """The instance, whole; a test may leave it in any state."""
    instance.up()
    return instance


@pytest.fixture(scope="module")
def by_hand() -> Iterator[Any]:
    """The engine's own API, as somebody with a docker command would use it."""
    clients = Clients(find_endpoint(None, os.environ, Path.home()), 60.0)
    with clients.calling("meddle") as client:
        yield client
    clients.close()


def test_up_makes_it_whole_and_a_second_up_has_nothing_to_do(instance: Instance) -> None:
    instance.down()
    assert instance.up()
    assert not instance.up()
    instance.assert_whole()


def test_hosts_reach_each_other_by_name_in_both_families(up: Instance) -> None:
    for family in ("ahostsv4", "ahostsv6"):
        found = up.run(up.named("alpha", "left"), "getent", family, "beta")
        beta = up.desired(up.observe()).sandboxes[1].attachments[0]
        assert found.split()[0] == {"ahostsv4": beta.ipv4, "ahostsv6": beta.ipv6}[family]
    listen = "import socket; s = socket.create_server(('::', 5000), family=socket.AF_INET6, dualstack_ipv6=True)"
    serve = f"{listen}; print('up', flush=True); [s.accept()[0].sendall(b'hello') for _ in range(2)]"
    with up.engine.open_exec(up.named("beta", "solo"), ["python3", "-c", serve]) as server:
        assert server.read(timeout_s=20) == b"up\n"
        for address in (beta.ipv4, beta.ipv6):
            ask = f"import socket; print(socket.create_connection(('{address}', 5000), 5).recv(5).decode())"
            assert up.run(up.named("alpha", "right"), "python3", "-c", ask) == "hello\n"


def test_a_sandbox_has_the_limits_of_its_host(up: Instance) -> None:
    files = ("shmmax", "shmall", "shmmni", "msgmax", "msgmnb", "msgmni", "sem")
    seen = up.run(up.named("alpha", "left"), "cat", *(f"/proc/sys/kernel/{name}" for name in files))
    assert seen.split() == ["16777216", "8192", "64", "8192", "16384", "32", "250", "4000", "100", "64"]
    queues = up.run(up.named("alpha", "left"), "cat", "/proc/sys/fs/mqueue/queues_max", "/proc/sys/fs/mqueue/msg_max")
    assert queues.split() == ["64", "64"]


def going_up() -> list[str]:
    """The keys of the operations of `up` from nothing, without the instance's name in them."""
    name = InstanceName(LAB_NAME)
    desired = resolve(Lab.model_validate(DEFINITION), name, slot=0, images={"lab": "image"})
    plan = reconcile(desired, Observed(images={"image": "there"}))
    return [operation.key.replace(name.named(""), "") for operation in plan.operations]


GOING_UP = going_up()
GOING_DOWN = [key.replace("create", "remove") for key in GOING_UP if key.startswith("create")]


@contextmanager
def orchestrator(verb: str, instance: Instance) -> Iterator[subprocess.Popen[str]]:
    """Another process that takes the instance up or down."""
    # In the folder of the checkout, for the package may not be installed under this Python.
    command = [sys.executable, __file__, verb, instance.image, str(instance.folder), instance.name.instance]
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root, env=environment) as child:
        try:
            yield child
        finally:
            child.kill()


def kill_at(verb: str, instance: Instance, operation: str) -> None:
    """Take the instance up or down in another process, and kill that as it starts an operation."""
    with orchestrator(verb, instance) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.strip().replace(instance.name.named(""), "") == operation:
                os.kill(child.pid, signal.SIGKILL)
                break
        assert child.wait(CHILD_TIMEOUT_S) == -signal.SIGKILL, f"{operation} was never started"


@pytest.mark.parametrize("operation", GOING_UP)
def test_up_killed_at_an_operation_is_finished_by_the_next(instance: Instance, operation: str) -> None:
    instance.down()
    kill_at("up", instance, operation)
    instance.up()
    instance.assert_whole()


@pytest.mark.parametrize("operation", GOING_UP[::3])
def test_up_killed_at_an_operation_is_undone_by_down(instance: Instance, operation: str) -> None:
    instance.down()
    kill_at("up", instance, operation)
    instance.down()
    instance.assert_gone()


@pytest.mark.parametrize("operation", GOING_DOWN)
def test_down_killed_at_an_operation_is_undone_by_up(up: Instance, operation: str) -> None:
    kill_at("down", up, operation)
    up.up()
    up.assert_whole()


@pytest.mark.parametrize("operation", GOING_DOWN[::3])
def test_down_killed_at_an_operation_is_finished_by_the_next(up: Instance, operation: str) -> None:
    kill_at("down", up, operation)
    up.down()
    up.assert_gone()


def test_two_that_go_up_at_once_make_one_whole_instance(instance: Instance) -> None:
    instance.down()
    with orchestrator("up", instance) as one, orchestrator("up", instance) as other:
        assert (one.wait(CHILD_TIMEOUT_S), other.wait(CHILD_TIMEOUT_S)) == (0, 0)
    instance.assert_whole()


def test_one_that_goes_up_and_one_that_goes_down_leave_all_or_nothing(up: Instance) -> None:
    with orchestrator("down", up) as one, orchestrator("up", up) as other:
        assert (one.wait(CHILD_TIMEOUT_S), other.wait(CHILD_TIMEOUT_S)) == (0, 0)
    if up.observe().containers:
        up.assert_whole()
    else:
        up.assert_gone()


def test_a_container_that_was_removed_comes_back_alone(up: Instance, by_hand: Any) -> None:
    by_hand.remove_container(up.named("alpha", "left"), force=True)
    assert up.plan() == ["create container alpha.left: absent", "start container alpha.left: absent"]
    up.up()
    up.assert_whole()


def test_a_container_that_was_restarted_is_in_its_namespaces_still(up: Instance, by_hand: Any) -> None:
    by_hand.restart(up.named("alpha", "left"), timeout=0)
    up.assert_whole()


def test_a_sandbox_that_was_removed_is_made_anew_with_its_containers(up: Instance, by_hand: Any) -> None:
    by_hand.remove_container(up.named("alpha"), force=True)
    assert "create sandbox alpha: absent" in up.plan()
    assert not any("beta" in line for line in up.plan())
    up.up()
    up.assert_whole()


def test_containers_of_a_sandbox_that_was_restarted_join_it_anew(up: Instance, by_hand: Any) -> None:
    by_hand.restart(up.named("alpha"), timeout=0)
    assert up.plan()
    up.up()
    up.assert_whole()


@pytest.mark.parametrize("act", ["stop", "kill", "pause"])
def test_a_sandbox_that_no_longer_runs_is_made_anew(up: Instance, by_hand: Any, act: str) -> None:
    getattr(by_hand, act)(up.named("beta"))
    state = {"pause": "paused"}.get(act, "exited")
    assert f"remove sandbox beta: it is {state}" in up.plan()
    up.up()
    up.assert_whole()


def test_a_container_that_was_paused_is_made_anew(up: Instance, by_hand: Any) -> None:
    by_hand.pause(up.named("beta", "solo"))
    assert up.plan()[0] == "remove container beta.solo: it is paused"
    up.up()
    up.assert_whole()


def test_a_sandbox_that_was_disconnected_is_made_anew(up: Instance, by_hand: Any) -> None:
    by_hand.disconnect_container_from_network(up.named("beta"), up.named("net-lan"), force=True)
    assert "remove sandbox beta: not attached to net-lan" in up.plan()
    up.up()
    up.assert_whole()


def test_a_network_that_was_removed_is_made_anew_with_the_hosts_in_it(up: Instance, by_hand: Any) -> None:
    for host in ("alpha", "beta"):
        by_hand.disconnect_container_from_network(up.named(host), up.named("net-lan"), force=True)
    by_hand.remove_network(up.named("net-lan"))
    assert "create network net-lan: absent" in up.plan()
    up.up()
    up.assert_whole()


def test_a_network_that_was_removed_while_its_hosts_were_stopped(up: Instance, by_hand: Any) -> None:
    for host in ("alpha", "beta"):
        by_hand.kill(up.named(host))
    by_hand.remove_network(up.named("net-lan"))
    up.up()
    up.assert_whole()


def test_down_copes_with_a_foreign_container_in_our_network(up: Instance, by_hand: Any) -> None:
    name = f"foreign-{os.getpid()}"
    settings = by_hand.create_host_config(network_mode=up.named("net-lan"))
    by_hand.create_container(up.image, ["/usr/bin/sleep", "60"], name=name, host_config=settings)
    try:
        by_hand.start(name)
        up.down()
        up.assert_gone()
        assert by_hand.inspect_container(name)["State"]["Running"]
    finally:
        by_hand.remove_container(name, force=True)


def test_a_network_of_our_name_that_is_not_ours_is_not_touched(instance: Instance, by_hand: Any) -> None:
    instance.down()
    made = by_hand.create_network(instance.named("net-lan"))["Id"]
    try:
        with pytest.raises(ObjectConflict, match=r"a network .*net-lan that ipclab did not make"):
            instance.up()
        instance.down()
        assert by_hand.inspect_network(made)["Id"] == made
    finally:
        by_hand.remove_network(made)


def test_a_container_of_our_name_that_is_not_ours_is_not_touched(instance: Instance, by_hand: Any) -> None:
    instance.down()
    made = by_hand.create_container(instance.image, ["/usr/bin/sleep", "60"], name=instance.named("alpha"))["Id"]
    try:
        with pytest.raises(ObjectConflict, match=r"a container .*alpha that ipclab did not make"):
            instance.up()
        instance.down()
        assert by_hand.inspect_container(made)["Id"] == made
    finally:
        by_hand.remove_container(made)


def test_a_volume_of_our_name_that_is_not_ours_is_not_touched(instance: Instance, by_hand: Any) -> None:
    instance.down()
    name = instance.named("vol-alpha")
    by_hand.create_volume(name)
    try:
        with pytest.raises(ObjectConflict, match=r"a volume .*vol-alpha that ipclab did not make"):
            instance.up()
        instance.down()
        assert by_hand.inspect_volume(name)["Options"] is None
    finally:
        by_hand.remove_volume(name)


def test_a_changed_definition_makes_anew_what_changed_and_what_shares_with_it(up: Instance, tmp_path: Path) -> None:
    changed = Instance(up.engine, up.image, write_lab(tmp_path / LAB_NAME, beta={"ipc": {"shmmni": 7}}), up.name)
    before = {container.name: container.id for container in up.observe().containers}
    changed.up()
    after = {container.name: container.id for container in up.observe().containers}
    kept = {name for name in before if before[name] == after[name]}
    assert kept == {up.named("alpha"), up.named("alpha", "left"), up.named("alpha", "right")}
    assert changed.run(up.named("beta", "solo"), "cat", "/proc/sys/kernel/shmmni") == "7\n"
    changed.assert_whole()


def test_a_changed_volume_is_made_anew_with_its_host(up: Instance, tmp_path: Path) -> None:
    changed = Instance(up.engine, up.image, write_lab(tmp_path / LAB_NAME, beta={"volume": {"size": "1MiB"}}), up.name)
    changed.up()
    changed.assert_whole()
    assert changed.run(up.named("beta", "solo"), "df", "--output=size", "/ipc").split()[-1] == "1024"


def test_a_host_that_leaves_the_definition_goes(up: Instance, tmp_path: Path) -> None:
    folder = write_lab(tmp_path / LAB_NAME)
    text = yaml.safe_load((folder / "lab.yaml").read_text())
    del text["hosts"]["beta"]
    (folder / "lab.yaml").write_text(yaml.safe_dump(text, sort_keys=False))
    less = Instance(up.engine, up.image, folder, up.name)
    less.up()
    less.assert_whole()
    assert {container.labels["ipclab.host"] for container in less.observe().containers} == {"alpha"}
    assert [volume.name for volume in less.observe().volumes] == [up.named("vol-alpha")]


def test_two_instances_live_side_by_side(up: Instance) -> None:
    second = Instance(up.engine, up.image, up.folder, InstanceName(LAB_NAME, f"{up.name.instance}-second"))
    with taken_down(second):
        second.up()
        up.assert_whole()
        second.assert_whole()
        one, other = (set(it.observe().networks[0].subnets) for it in (up, second))
        assert not one & other
        beta = second.run(second.named("alpha", "left"), "getent", "ahostsv4", "beta").split()[0]
        assert beta == second.desired(second.observe()).sandboxes[1].attachments[0].ipv4
        second.down()
        up.assert_whole()


def main(verb: str, image: str, folder: str, instance: str) -> None:
    """Take an instance up or down, printing each operation as it starts."""

    def tell(event: Event) -> None:
        if event.stage is Stage.STARTED:
            print(event.operation.key, flush=True)

    it = Instance(DockerEngine.connect(), image, Path(folder), InstanceName(LAB_NAME, instance))
    {"up": it.up, "down": it.down}[verb](tell)


if __name__ == "__main__":
    main(*sys.argv[1:])
