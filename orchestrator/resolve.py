"""A lab's definition for one instance, worked out to values that an engine can be held against.

Names, addresses, sysctls and limits are computed here. Whether they exist is `reconcile`'s question, which row of
subnets to take is `slots`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from orchestrator.errors import UsageError
from orchestrator.labels import InstanceName
from orchestrator.slots import moved, moved_ipv4, moved_ipv6
from orchestrator.spec.lab import Container, Host, IpcLimits, Lab, Volume
from orchestrator.world import (
    Attachment,
    Bind,
    ContainerSpec,
    Desired,
    ImageSpec,
    Limits,
    NetworkSpec,
    SandboxSpec,
    VolumeSpec,
    definition,
)

SANDBOX_IMAGE = "lab"
"""The folder of images/ that every sandbox is made of."""

PAGE_BYTES = 4096
"""The unit of kernel.shmall, proc_sys_kernel(5), on x86-64 and on arm64 as Docker's kernels are built."""

NET_SYSCTLS: Mapping[str, str] = {
    # A host without a network has ::1, too; engines switch IPv6 off where they attach none.
    "net.ipv6.conf.all.disable_ipv6": "0",
    # As on a real machine, ip(7): Docker sets 0, so that anybody may bind port 80.
    "net.ipv4.ip_unprivileged_port_start": "1024",
}

BINDV6ONLY = "net.ipv6.bindv6only"
"""What IPV6_V6ONLY is for a socket whose program does not say, ipv6(7)."""

AnySpec = TypeVar("AnySpec", NetworkSpec, VolumeSpec, SandboxSpec, ContainerSpec)


def resolve(
    lab: Lab, instance: InstanceName, *, slot: int, images: Mapping[str, str], binds: tuple[Bind, ...] = ()
) -> Desired:
    """The objects that the instance is made of, each labelled with its definition.

    `images` maps folders of images/ to references; `binds` are seen in every container.

    Raises:
        UsageError: A container names an image that `images` lacks, or the slot leaves the address family.
    """
    return _Resolution(lab, instance, slot, images, binds).desired()


def ipc_sysctls(limits: IpcLimits) -> dict[str, str]:
    """The kernel settings of an IPC namespace: proc_sys_kernel(5), mq_overview(7)."""
    return {
        "kernel.shmmax": str(limits.shmmax),
        "kernel.shmall": str(-(-limits.shmall // PAGE_BYTES)),
        "kernel.shmmni": str(limits.shmmni),
        "kernel.msgmax": str(limits.msgmax),
        "kernel.msgmnb": str(limits.msgmnb),
        "kernel.msgmni": str(limits.msgmni),
        "kernel.sem": f"{limits.semmsl} {limits.semmns} {limits.semopm} {limits.semmni}",
        "fs.mqueue.queues_max": str(limits.queues_max),
        "fs.mqueue.msg_max": str(limits.msg_max),
        "fs.mqueue.msgsize_max": str(limits.msgsize_max),
    }


def net_sysctls(host: Host) -> dict[str, str]:
    """The kernel settings of a host's network namespace: ip(7), ipv6(7)."""
    return dict(NET_SYSCTLS) | ({BINDV6ONLY: "1"} if host.bindv6only else {})


def _limits(lab: Lab, container: Container) -> Limits:
    """The lab's limits, with those that the container names itself put over them."""
    own = {} if container.limits is None else container.limits.model_dump(exclude_unset=True)
    limits = lab.limits.model_copy(update=own)
    return Limits(
        memory_bytes=limits.memory,
        pids=limits.pids,
        tmp_bytes=limits.tmp,
        tmp_inodes=limits.tmp_inodes,
        cpus=limits.cpus,
        file_bytes=limits.file_size,
        open_files=limits.open_files,
        mqueue_bytes=limits.mqueue,
    )


class _Resolution:
    """One instance being worked out: what its parts have in common, at hand for each of them."""

    def __init__(
        self, lab: Lab, instance: InstanceName, slot: int, images: Mapping[str, str], binds: tuple[Bind, ...]
    ) -> None:
        self.lab = lab
        self.instance = instance
        self.slot = slot
        self.references = images
        self.binds = binds

    def desired(self) -> Desired:
        hosts = self.lab.hosts.items()
        containers = tuple(
            self._container(name, host, key, container)
            for name, host in hosts
            for key, container in host.containers.items()
        )
        return Desired(
            name=self.instance,
            images=self._images(),
            networks=tuple(self._network(key) for key in self.lab.networks),
            volumes=tuple(self._volume(name, host.volume) for name, host in hosts if host.volume is not None),
            sandboxes=tuple(self._sandbox(name, host) for name, host in hosts),
            containers=containers,
            only_for={name: host.only_for for name, host in hosts if host.only_for},
            exercises=self.lab.exercises,
        )

    def _images(self) -> tuple[ImageSpec, ...]:
        wanted = [container.image for host in self.lab.hosts.values() for container in host.containers.values()]
        return tuple(ImageSpec(name, self._reference(name)) for name in dict.fromkeys([SANDBOX_IMAGE, *wanted]))

    def _reference(self, image: str) -> str:
        if image not in self.references:
            raise UsageError(f"{self.instance} wants the image {image}, and there is no folder images/{image}")
        return self.references[image]

    def _labelled(self, spec: AnySpec, role: str, **more: str) -> AnySpec:
        return replace(spec, labels=self.instance.labels(role, definition=definition(spec), **more))

    def _network_name(self, key: str) -> str:
        return self.instance.named(f"net-{key}")

    def _network(self, key: str) -> NetworkSpec:
        network = self.lab.networks[key]
        spec = NetworkSpec(
            name=self._network_name(key),
            key=key,
            ipv4=str(moved(network.ipv4, self.slot)),
            ipv6=str(moved(network.ipv6, self.slot)),
            slot=self.slot,
        )
        return self._labelled(spec, "network", network=key, slot=str(self.slot))

    def _volume_name(self, name: str, host: Host) -> str | None:
        return None if host.volume is None else self.instance.named(f"vol-{name}")

    def _volume(self, name: str, volume: Volume) -> VolumeSpec:
        spec = VolumeSpec(self.instance.named(f"vol-{name}"), size_bytes=volume.size, inodes=volume.inodes)
        return self._labelled(spec, "volume", host=name)

    def _attachments(self, host: Host) -> dict[str, Attachment]:
        """By the key of the network, in the definition's order."""
        return {
            key: Attachment(
                self._network_name(key),
                str(moved_ipv4(address.ipv4, self.lab.networks[key].ipv4, self.slot)),
                str(moved_ipv6(address.ipv6, self.lab.networks[key].ipv6, self.slot)),
            )
            for key, address in host.networks.items()
        }

    def _neighbours(self, name: str, host: Host) -> dict[str, tuple[str, ...]]:
        """Addresses of the other hosts, in networks that this one is in: the rest it could not reach."""
        found = {}
        for other_name, other in self.lab.hosts.items():
            theirs = self._attachments(other)
            shared = [theirs[key] for key in host.networks if key in theirs]
            if other_name != name and shared:
                found[other_name] = tuple(text for place in shared for text in (place.ipv4, place.ipv6))
        return found

    def _sandbox(self, name: str, host: Host) -> SandboxSpec:
        spec = SandboxSpec(
            name=self.instance.named(name),
            host=name,
            hostname=name,
            image=self._reference(SANDBOX_IMAGE),
            attachments=tuple(self._attachments(host).values()),
            hosts=self._neighbours(name, host),
            sysctls=ipc_sysctls(host.ipc) | net_sysctls(host),
            shm_bytes=host.ipc.shm_size,
            volume=self._volume_name(name, host),
        )
        return self._labelled(spec, "sandbox", host=name)

    def _container(self, name: str, host: Host, key: str, container: Container) -> ContainerSpec:
        own = {} if "ipc" in host.share else ipc_sysctls(host.ipc)
        spec = ContainerSpec(
            name=self.instance.named(name, key),
            host=name,
            container=key,
            hostname=name,
            image=self._reference(container.image),
            sandbox=self.instance.named(name),
            share=frozenset(host.share),
            volume=self._volume_name(name, host),
            limits=_limits(self.lab, container),
            shm_bytes=host.ipc.shm_size,
            sysctls=own if "net" in host.share else own | net_sysctls(host),
            grants=container.grants,
            binds=self.binds,
        )
        return self._labelled(spec, "container", host=name, container=key)
