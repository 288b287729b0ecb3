"""What an engine does, on the one in memory and on Docker: the same tests for both."""

from __future__ import annotations

import io
import tarfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator import labels
from orchestrator.errors import ImageError, ObjectConflict, ObjectMissing

if TYPE_CHECKING:
    from tests.contract.conftest import Bench

IPC_NET = frozenset({"ipc", "net"})
ABSENT = "ipclab/absent:none"


def archive(**files: str) -> bytes:
    """A tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content.encode()))
    return buffer.getvalue()


def at_once(*calls: Callable[[], object]) -> None:
    """Make calls from a thread each; what one raises is raised."""
    errors: list[BaseException] = []

    def carry_out(call: Callable[[], object]) -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=carry_out, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in errors:
        raise error


def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Wait for what an engine notes a moment after it happened."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"


def test_nothing_is_seen_of_an_instance_that_was_never_made(bench: Bench) -> None:
    observed = bench.engine.observe(bench.name, images=[bench.image, ABSENT])
    assert (observed.containers, observed.networks, observed.volumes) == ((), (), ())
    assert list(observed.images) == [bench.image]
    assert observed.images[bench.image] == bench.engine.image_id(bench.image)


def test_subnets_of_others_networks_are_seen(bench: Bench) -> None:
    assert dict(bench.engine.observe(bench.name).subnets)["bridge"]


def test_a_network_is_seen_with_its_subnets_and_labels(bench: Bench) -> None:
    spec = bench.network()
    bench.engine.create_network(spec)
    observed = bench.engine.observe(bench.name)
    (network,) = observed.networks
    assert (network.name, network.subnets, network.labels) == (spec.name, (spec.ipv4, spec.ipv6), spec.labels)
    assert dict(observed.subnets)[spec.name] == (spec.ipv4, spec.ipv6)


def test_a_networks_name_and_subnets_are_taken_while_it_is_there(bench: Bench) -> None:
    spec = bench.network()
    other = bench.network("other", 1)
    bench.engine.create_network(spec)
    for clash in (
        replace(other, name=spec.name),
        replace(other, ipv4=spec.ipv4),
        replace(other, ipv6=spec.ipv6),
        replace(other, ipv4=spec.ipv4.replace("/28", "/29")),
    ):
        with pytest.raises(ObjectConflict):
            bench.engine.create_network(clash)
    bench.engine.remove_network(spec.name)
    bench.engine.create_network(spec)


def test_removing_what_is_not_there_is_fine(bench: Bench) -> None:
    bench.engine.remove_network(bench.name.named("net-none"))
    bench.engine.remove_volume(bench.name.named("vol-none"))
    bench.engine.remove_container(bench.name.named("none"))
    bench.engine.remove_image(ABSENT)


def test_a_volume_is_seen_and_kept_when_it_is_created_again(bench: Bench) -> None:
    spec = bench.volume()
    bench.engine.create_volume(spec)
    bench.engine.create_volume(spec)
    (volume,) = bench.engine.observe(bench.name).volumes
    assert (volume.name, volume.labels) == (spec.name, spec.labels)


def test_a_volume_is_not_removed_while_a_container_has_it(bench: Bench) -> None:
    volume = bench.volume()
    bench.engine.create_volume(volume)
    bench.engine.create_sandbox(bench.sandbox(volume=volume.name))
    with pytest.raises(ObjectConflict):
        bench.engine.remove_volume(volume.name)
    bench.engine.remove_container(bench.name.named("alpha"))
    bench.engine.remove_volume(volume.name)
    assert bench.engine.observe(bench.name).volumes == ()


def test_a_sandbox_is_created_and_does_not_run_yet(bench: Bench) -> None:
    spec = bench.sandbox()
    bench.engine.create_sandbox(spec)
    seen = bench.seen(spec.name)
    assert (seen.state, seen.started_ns, seen.joined) == ("created", 0, frozenset())
    assert seen.labels.items() >= spec.labels.items()
    assert seen.image_id == bench.engine.image_id(bench.image)


def test_a_containers_name_is_taken_while_it_is_there(bench: Bench) -> None:
    spec = bench.sandbox()
    bench.engine.create_sandbox(spec)
    with pytest.raises(ObjectConflict):
        bench.engine.create_sandbox(spec)
    before = bench.seen(spec.name).id
    bench.engine.remove_container(spec.name)
    bench.engine.create_sandbox(spec)
    assert bench.seen(spec.name).id != before


def test_what_a_sandbox_is_made_of_must_be_there(bench: Bench) -> None:
    with pytest.raises(ObjectMissing):
        bench.engine.create_sandbox(replace(bench.sandbox(), image=ABSENT))
    with pytest.raises(ObjectMissing):
        bench.engine.create_sandbox(bench.sandbox(volume=bench.name.named("vol-none")))
    assert bench.engine.observe(bench.name).volumes == ()


def test_starting_twice_is_starting_once(bench: Bench) -> None:
    spec = bench.running_sandbox()
    first = bench.seen(spec.name)
    bench.engine.start(spec.name)
    assert first.state == "running"
    assert bench.seen(spec.name).started_ns == first.started_ns > 0


def test_what_is_not_there_can_not_be_started(bench: Bench) -> None:
    with pytest.raises(ObjectMissing):
        bench.engine.start(bench.name.named("none"))


def test_a_container_joins_its_sandbox_by_its_id(bench: Bench) -> None:
    sandbox = bench.running_sandbox()
    spec = bench.running_container(sandbox)
    donor, joiner = bench.seen(sandbox.name), bench.seen(spec.name)
    assert joiner.joined == {donor.id}
    assert joiner.labels[labels.SANDBOX] == donor.id
    assert joiner.networks == frozenset()
    assert joiner.started_ns > donor.started_ns


def test_a_container_that_shares_nothing_joins_nobody(bench: Bench) -> None:
    sandbox = bench.sandbox()
    bench.engine.create_sandbox(sandbox)
    spec = bench.running_container(sandbox, share=frozenset())
    assert (bench.seen(spec.name).state, bench.seen(spec.name).joined) == ("running", frozenset())


def test_a_container_needs_its_sandbox_to_be_created(bench: Bench) -> None:
    with pytest.raises(ObjectMissing):
        bench.engine.create_container(bench.container(bench.sandbox()))


@pytest.mark.parametrize("share", [frozenset({kind}) for kind in ("ipc", "net", "pid")], ids=lambda share: min(share))
def test_a_container_needs_its_sandbox_to_run_when_it_starts(bench: Bench, share: frozenset[str]) -> None:
    sandbox = bench.sandbox()
    bench.engine.create_sandbox(sandbox)
    spec = bench.container(sandbox, share=share)
    bench.engine.create_container(spec)
    with pytest.raises(ObjectConflict):
        bench.engine.start(spec.name)
    bench.engine.remove_container(sandbox.name)
    with pytest.raises(ObjectMissing):
        bench.engine.start(spec.name)


def test_another_sandbox_of_the_same_name_is_not_the_one_that_was_joined(bench: Bench) -> None:
    sandbox = bench.running_sandbox()
    spec = bench.container(sandbox)
    bench.engine.create_container(spec)
    bench.engine.remove_container(sandbox.name)
    again = bench.running_sandbox()
    with pytest.raises(ObjectMissing):
        bench.engine.start(spec.name)
    assert bench.seen(spec.name).joined != {bench.seen(again.name).id}


def test_who_shares_a_killed_sandboxs_processes_dies_with_it(bench: Bench) -> None:
    sandbox = bench.running_sandbox()
    sharing, apart = bench.running_container(sandbox), bench.running_container(sandbox, "right", IPC_NET)
    bench.hands.kill(sandbox.name)
    assert bench.seen(sandbox.name).state == "exited"
    assert bench.seen(apart.name).state == "running"
    eventually(lambda: bench.seen(sharing.name).state == "exited")


def test_a_restarted_sandbox_is_younger_than_who_joined_it(bench: Bench) -> None:
    sandbox = bench.running_sandbox()
    apart = bench.running_container(sandbox, share=IPC_NET)
    bench.hands.restart(sandbox.name)
    donor, joiner = bench.seen(sandbox.name), bench.seen(apart.name)
    assert (donor.state, joiner.state) == ("running", "running")
    assert donor.started_ns > joiner.started_ns
    assert joiner.joined == {donor.id}


def test_a_sandbox_is_removed_while_it_runs_and_is_joined(bench: Bench) -> None:
    sandbox = bench.running_sandbox()
    spec = bench.running_container(sandbox)
    bench.engine.remove_container(sandbox.name)
    assert [one.name for one in bench.engine.observe(bench.name).containers] == [spec.name]


def test_two_who_remove_the_same_container_both_find_it_gone(bench: Bench) -> None:
    sandbox = bench.running_sandbox()

    def remove() -> None:
        bench.engine.remove_container(sandbox.name)
        assert bench.engine.observe(bench.name).containers == ()

    at_once(remove, remove, remove)


def test_several_threads_may_use_an_engine(bench: Bench) -> None:
    hosts = [f"h{number}" for number in range(4)]
    at_once(*(lambda host=host: bench.engine.create_sandbox(bench.sandbox(host)) for host in hosts))
    assert len(bench.engine.observe(bench.name).containers) == 4


def test_a_sandbox_is_attached_to_its_first_network_and_then_to_others(bench: Bench) -> None:
    lan, wan = bench.network(), bench.network("wan", 1)
    spec = bench.sandbox("alpha", bench.place(lan, 2), bench.place(wan, 2))
    for network in (lan, wan):
        bench.engine.create_network(network)
    bench.engine.create_sandbox(spec)
    assert bench.seen(spec.name).networks == {lan.name}
    bench.engine.attach_network(spec.name, spec, wan.name)
    bench.engine.attach_network(spec.name, spec, wan.name)
    assert bench.seen(spec.name).networks == {lan.name, wan.name}
    bench.engine.start(spec.name)
    bench.engine.attach_network(spec.name, spec, wan.name)
    assert bench.seen(spec.name).networks == {lan.name, wan.name}


def test_what_is_attached_must_be_there(bench: Bench) -> None:
    lan = bench.network()
    spec = bench.sandbox("alpha", bench.place(lan, 2))
    with pytest.raises(ObjectMissing):
        bench.engine.attach_network(spec.name, spec, lan.name)
    bench.engine.create_sandbox(replace(spec, attachments=()))
    with pytest.raises(ObjectMissing):
        bench.engine.attach_network(spec.name, spec, lan.name)
        bench.engine.start(spec.name)


def test_an_address_is_taken_while_its_host_runs(bench: Bench) -> None:
    lan = bench.network()
    bench.engine.create_network(lan)
    bench.running_sandbox("alpha", bench.place(lan, 2))
    beta = bench.sandbox("beta", bench.place(lan, 2))
    bench.engine.create_sandbox(beta)
    with pytest.raises(ObjectConflict):
        bench.engine.start(beta.name)


def test_a_network_is_removed_from_under_a_running_host(bench: Bench) -> None:
    lan = bench.network()
    bench.engine.create_network(lan)
    alpha = bench.running_sandbox("alpha", bench.place(lan, 2))
    bench.engine.remove_network(lan.name)
    assert bench.engine.observe(bench.name).networks == ()
    assert bench.seen(alpha.name).state == "running"
    assert bench.seen(alpha.name).networks == frozenset()


def test_a_host_does_not_start_without_its_network(bench: Bench) -> None:
    lan = bench.network()
    bench.engine.create_network(lan)
    alpha = bench.sandbox("alpha", bench.place(lan, 2))
    bench.engine.create_sandbox(alpha)
    bench.engine.remove_network(lan.name)
    with pytest.raises(ObjectMissing):
        bench.engine.start(alpha.name)


def test_instances_do_not_see_each_other(bench: Bench) -> None:
    other = bench.another()
    bench.engine.create_volume(bench.volume())
    try:
        other.engine.create_volume(other.volume())
        other.engine.create_sandbox(other.sandbox())
        assert [one.name for one in bench.engine.observe(bench.name).volumes] == [bench.volume().name]
        assert bench.engine.observe(bench.name).containers == ()
        everything = bench.engine.observe()
        assert {bench.volume().name, other.volume().name} <= {one.name for one in everything.volumes}
        assert other.sandbox().name in {one.name for one in everything.containers}
    finally:
        other.clean()


def test_what_lacks_one_of_our_labels_is_not_ours(bench: Bench) -> None:
    half = {labels.LAB: bench.name.lab, labels.INSTANCE: bench.name.instance}
    network, volume = replace(bench.network(), labels=half), replace(bench.volume(), labels=half)
    bench.engine.create_network(network)
    try:
        # It is made, and a volume that was there before can't be told from it.
        for spec in (volume, bench.volume()):
            with pytest.raises(ObjectConflict):
                bench.engine.create_volume(spec)
        observed = bench.engine.observe(bench.name)
        assert (observed.networks, observed.volumes) == ((), ())
        assert network.name in dict(observed.subnets)
        bench.engine.remove_network(network.name)
        assert network.name in dict(bench.engine.observe(bench.name).subnets), "somebody else's was removed"
    finally:
        bench.hands.remove_by_hand(network.name)
        bench.engine.remove_volume(volume.name)


def test_a_process_runs_in_a_running_container_only(bench: Bench) -> None:
    sandbox = bench.sandbox()
    with pytest.raises(ObjectMissing):
        bench.engine.open_exec(sandbox.name, ["echo"])
    bench.engine.create_sandbox(sandbox)
    with pytest.raises(ObjectConflict):
        bench.engine.open_exec(sandbox.name, ["echo"])
    bench.engine.start(sandbox.name)
    with bench.engine.open_exec(sandbox.name, ["echo", "here", "I", "am"]) as stream:
        assert stream.read(10.0) == b"here I am\n"
        assert stream.read(10.0) == b""
        assert stream.exit_code() == 0


def test_an_image_is_built_under_all_its_names_and_removed_name_by_name(bench: Bench) -> None:
    names = [f"ipclab/contract:{bench.name.instance}-{number}" for number in range(2)]
    said: list[str] = []
    context = archive(Dockerfile="FROM scratch\nARG WHO\nLABEL who=$WHO\n")
    bench.engine.build_image(context, names, {"WHO": "me"}, said.append)
    try:
        assert said
        first, second = (bench.engine.image_id(name) for name in names)
        assert first == second is not None
        bench.engine.remove_image(names[0])
        assert bench.engine.image_id(names[0]) is None
        assert bench.engine.image_id(names[1]) == second
    finally:
        for name in names:
            bench.engine.remove_image(name)
    assert bench.engine.image_id(names[1]) is None


def test_another_argument_makes_another_image(bench: Bench) -> None:
    context = archive(Dockerfile="FROM scratch\nARG WHO\nLABEL who=$WHO\n")
    names = [f"ipclab/contract:{bench.name.instance}-{who}" for who in "ab"]
    try:
        for name in names:
            bench.engine.build_image(context, [name], {"WHO": name}, print)
        assert len({bench.engine.image_id(name) for name in names}) == 2
    finally:
        for name in names:
            bench.engine.remove_image(name)


def test_an_image_is_imported_from_a_root_file_systems_tarball(bench: Bench, tmp_path: Path) -> None:
    name = f"ipclab/contract:{bench.name.instance}-import"
    tarball = tmp_path / "root.tar"
    tarball.write_bytes(archive(hello="world"))
    try:
        bench.engine.import_image(tarball, name)
        assert bench.engine.image_id(name)
        with pytest.raises(ImageError):
            bench.engine.import_image(tmp_path / "absent.tar", name)
    finally:
        bench.engine.remove_image(name)


def test_an_image_that_can_not_be_had_is_an_error_of_images(bench: Bench) -> None:
    with pytest.raises(ImageError):
        bench.engine.pull_image("localhost:1/ipclab/none:none", print)
    with pytest.raises(ImageError):
        bench.engine.build_image(archive(nothing=""), [ABSENT], {}, print)


def test_an_image_that_a_container_has_is_not_removed(bench: Bench) -> None:
    name = f"ipclab/contract:{bench.name.instance}-used"
    bench.engine.build_image(archive(Dockerfile="FROM scratch\nLABEL used=yes\n"), [name], {}, print)
    try:
        bench.engine.create_sandbox(replace(bench.sandbox(), image=name))
        with pytest.raises(ObjectConflict):
            bench.engine.remove_image(name)
        bench.engine.remove_container(bench.name.named("alpha"))
    finally:
        bench.engine.remove_image(name)
    assert bench.engine.image_id(name) is None


def test_every_tag_of_a_repository_is_listed(bench: Bench) -> None:
    repository = f"ipclab/contract-{bench.name.instance}"
    wanted = [f"{repository}:1", f"{repository}:2"]
    bench.engine.build_image(archive(Dockerfile="FROM scratch\nLABEL listed=yes\n"), wanted, {}, print)
    try:
        assert bench.engine.list_images(repository) == tuple(wanted)
        assert bench.engine.list_images(f"{repository}-other") == ()
    finally:
        for name in wanted:
            bench.engine.remove_image(name)
