"""The plan that turns the world as it is into the world as it should be.

Pure: two values in, a plan out. What goes and why is `faults`; here is what takes its place, and what waits for what.
An operation waits only for what the engine needs: a container for its own sandbox and image, not for other hosts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from orchestrator.faults import Faults, find_faults, is_sandbox
from orchestrator.labels import HOST, InstanceName, instance_of
from orchestrator.plan import Operation, Plan, Verb, key_of
from orchestrator.world import (
    ContainerSpec,
    Desired,
    NetworkSpec,
    Observed,
    ObservedContainer,
    ObservedVolume,
    SandboxSpec,
    VolumeSpec,
)


def reconcile(desired: Desired | None, observed: Observed) -> Plan:
    """The operations that make `desired` out of `observed`; when there is nothing desired, all of it goes.

    Objects of other instances than the desired one are left alone. Without `desired`, everything in `observed` goes.
    """
    if desired is None:
        return Plan.of(_Removals(observed, Faults.of_all(observed, "taken down")).operations())
    own = _own(desired.name, observed)
    faults = find_faults(desired, own)
    builds = list(_builds(desired, own))
    removals = _Removals(own, faults, frozenset(build.key for build in builds))
    return Plan.of([*builds, *removals.operations(), *_Creations(desired, own, faults, removals).operations()])


def _builds(desired: Desired, observed: Observed) -> Iterator[Operation]:
    for image in desired.images:
        if image.reference not in observed.images:
            yield Operation(Verb.BUILD_IMAGE, image.reference, "absent", spec=image)


def _own(name: InstanceName, observed: Observed) -> Observed:
    return replace(
        observed,
        containers=tuple(thing for thing in observed.containers if instance_of(thing.labels) == name),
        networks=tuple(thing for thing in observed.networks if instance_of(thing.labels) == name),
        volumes=tuple(thing for thing in observed.volumes if instance_of(thing.labels) == name),
    )


def _removal_key(container: ObservedContainer) -> str:
    return key_of(Verb.REMOVE_SANDBOX if is_sandbox(container) else Verb.REMOVE_CONTAINER, container.name)


class _Removals:
    """What goes: joiners before their sandbox, containers before the networks and volumes that they use.

    `builds` come before all of it: while an image can't be built, what runs on the last one had better stay.
    """

    def __init__(self, observed: Observed, faults: Faults, builds: frozenset[str] = frozenset()) -> None:
        self.faults = faults
        self.builds = builds
        gone = [container for container in observed.containers if container.name in faults.containers]
        self.sandboxes = [container for container in gone if is_sandbox(container)]
        self.joiners = [container for container in gone if not is_sandbox(container)]
        self.containers = gone
        self.volumes = [volume for volume in observed.volumes if volume.name in faults.volumes]

    def operations(self) -> Iterator[Operation]:
        causes = self.faults.containers
        for joiner in self.joiners:
            yield Operation(Verb.REMOVE_CONTAINER, joiner.name, causes[joiner.name], self.builds)
        for sandbox in self.sandboxes:
            before = self.builds | self._joiners_of(sandbox)
            yield Operation(Verb.REMOVE_SANDBOX, sandbox.name, causes[sandbox.name], before)
        for name, cause in self.faults.networks.items():
            yield Operation(Verb.REMOVE_NETWORK, name, cause, self.attached_to({name}))
        for volume in self.volumes:
            yield Operation(Verb.REMOVE_VOLUME, volume.name, self.faults.volumes[volume.name], self._users_of(volume))

    def named(self, name: str) -> frozenset[str]:
        """The removal of whatever has that name now."""
        return frozenset(_removal_key(container) for container in self.containers if container.name == name)

    def attached_to(self, networks: Iterable[str]) -> frozenset[str]:
        """The removals of everything that sits in one of the networks and may hold an address there."""
        names = frozenset(networks)
        return frozenset(_removal_key(container) for container in self.containers if container.networks & names)

    def _joiners_of(self, sandbox: ObservedContainer) -> frozenset[str]:
        host = sandbox.labels.get(HOST)
        return frozenset(
            _removal_key(joiner)
            for joiner in self.joiners
            if sandbox.id in joiner.joined or joiner.labels.get(HOST) == host
        )

    def _users_of(self, volume: ObservedVolume) -> frozenset[str]:
        """The containers of the volume's host; one whose labels lack the host may be any host's."""
        hosts = {volume.labels.get(HOST), None}
        everyone = HOST not in volume.labels
        return frozenset(
            _removal_key(container) for container in self.containers if everyone or container.labels.get(HOST) in hosts
        )


class _Creations:
    """What comes: networks and volumes before the sandboxes that use them, sandboxes before their joiners."""

    def __init__(self, desired: Desired, observed: Observed, faults: Faults, removals: _Removals) -> None:
        self.desired = desired
        self.removals = removals
        self.faults = faults
        self.networks = {network.name for network in observed.networks} - faults.networks.keys()
        self.volumes = {volume.name for volume in observed.volumes} - faults.volumes.keys()
        self.kept = {
            container.name: container for container in observed.containers if container.name not in faults.containers
        }

    def operations(self) -> Iterator[Operation]:
        yield from (self._network(spec) for spec in self.desired.networks if spec.name not in self.networks)
        yield from (self._volume(spec) for spec in self.desired.volumes if spec.name not in self.volumes)
        for sandbox in self.desired.sandboxes:
            yield from self._sandbox(sandbox)
            for container in self.desired.containers:
                if container.sandbox == sandbox.name:
                    yield from self._container(container)

    def _network(self, spec: NetworkSpec) -> Operation:
        """After all networks that go, for one of them may hold its addresses."""
        cause = self.faults.networks.get(spec.name, "absent")
        going = (key_of(Verb.REMOVE_NETWORK, name) for name in self.faults.networks)
        return Operation(
            Verb.CREATE_NETWORK, spec.name, cause, self.removals.attached_to({spec.name}).union(going), spec
        )

    def _volume(self, spec: VolumeSpec) -> Operation:
        cause = self.faults.volumes.get(spec.name, "absent")
        return Operation(Verb.CREATE_VOLUME, spec.name, cause, frozenset({key_of(Verb.REMOVE_VOLUME, spec.name)}), spec)

    def _needs(self, spec: SandboxSpec | ContainerSpec) -> frozenset[str]:
        """What has to have happened before either kind can be created."""
        volume = {key_of(Verb.CREATE_VOLUME, spec.volume)} if spec.volume is not None else set()
        return self.removals.named(spec.name) | {key_of(Verb.BUILD_IMAGE, spec.image)} | volume

    def _sandbox(self, spec: SandboxSpec) -> Iterator[Operation]:
        kept, cause = self.kept.get(spec.name), self.faults.containers.get(spec.name, "absent")
        networks = [attachment.network for attachment in spec.attachments]
        if kept is None:
            first = {key_of(Verb.CREATE_NETWORK, name) for name in networks[:1]}
            yield Operation(Verb.CREATE_SANDBOX, spec.name, cause, self._needs(spec) | first, spec)
            missing = networks[1:]
        else:
            missing = [name for name in networks if name not in kept.networks]
            cause = "it was never started"
        if kept is None or kept.state != "running":
            yield from self._attach_and_start(spec, missing, cause)

    def _attach_and_start(self, spec: SandboxSpec, missing: Iterable[str], cause: str) -> Iterator[Operation]:
        """Attach in the definition's order, and start when nobody who goes can still hold one of its addresses."""
        before = {key_of(Verb.CREATE_SANDBOX, spec.name)}
        for name in missing:
            after = frozenset(before | {key_of(Verb.CREATE_NETWORK, name)})
            operation = Operation(Verb.ATTACH_NETWORK, spec.name, cause, after, spec, name)
            yield operation
            before.add(operation.key)
        vacated = self.removals.attached_to(attachment.network for attachment in spec.attachments)
        yield Operation(Verb.START_SANDBOX, spec.name, cause, vacated | before)

    def _container(self, spec: ContainerSpec) -> Iterator[Operation]:
        kept, cause = self.kept.get(spec.name), self.faults.containers.get(spec.name, "absent")
        created = {key_of(Verb.CREATE_SANDBOX, spec.sandbox)}
        started = {key_of(Verb.START_SANDBOX, spec.sandbox)} if spec.share else set()
        if kept is None:
            yield Operation(Verb.CREATE_CONTAINER, spec.name, cause, self._needs(spec) | created, spec)
        else:
            cause = "it was never started"
        if kept is None or kept.state != "running":
            after = frozenset({key_of(Verb.CREATE_CONTAINER, spec.name)} | started)
            yield Operation(Verb.START_CONTAINER, spec.name, cause, after)
