"""An engine in memory: what ours make of Docker, without a daemon, for unit tests. `tests/contract` holds both to it.

Beside the protocol it has what only tests want: a list of the calls that changed something, faults at a chosen call,
and what somebody may do by hand behind our back. How it keeps its objects is `fake_objects`' matter.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator import labels
from orchestrator.engine.base import EngineInfo, ExecStream, Progress
from orchestrator.engine.fake_objects import Box, Objects
from orchestrator.errors import EngineError, ImageError, ObjectConflict, ObjectMissing
from orchestrator.labels import InstanceName
from orchestrator.world import (
    ContainerSpec,
    NetworkSpec,
    Observed,
    ObservedNetwork,
    ObservedVolume,
    SandboxSpec,
    VolumeSpec,
)

OnExec = Callable[[str, Sequence[str]], ExecStream]
Watch = Callable[[str], None]

INFO = EngineInfo(
    name="fake",
    version="20.10.24",
    api_version="1.41",
    os="memory",
    architecture="x86_64",
    kernel="6.1.0",
    cgroup="v1",
    storage_driver="none",
    cpus=2,
    memory_bytes=2**31,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, at which call, and whether the call has had its effect by then."""

    call: int
    error: BaseException
    after: bool


class FakeEngine:
    """An `Engine` in memory; thread-safe."""

    def __init__(
        self,
        *,
        images: Sequence[str] = ("ipclab/lab:test",),
        registry: Sequence[str] = (),
        foreign: Mapping[str, tuple[str, ...]] = {"bridge": ("172.17.0.0/16",)},
        on_exec: OnExec | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Begin with `images` there, `registry` to be pulled, and networks of others; `watch` sees each call begin.

        `watch` is called without any lock, in the thread that calls: a test may hold a call up in it.
        """
        self.calls: list[str] = []
        """What changed something, in words, in the order in which it began."""
        self._lock = threading.RLock()
        self._objects = Objects(foreign)
        self._images = {reference: _image_id(reference.encode()) for reference in images}
        self._registry = frozenset(registry)
        self._on_exec = on_exec
        self._watch = watch
        self._fault: Fault | None = None
        self._starved: set[str] = set()

    def fail_at(self, number: int, error: BaseException, *, after: bool = False) -> None:
        """Raise `error` once, at the `number`th changing call from now (1 is the next), before or after its effect."""
        with self._lock:
            self._fault = Fault(len(self.calls) + number, error, after)

    def kill(self, name: str) -> None:
        """By hand: a container's first process is killed; who shares a sandbox's PID namespace dies with it."""
        with self._lock:
            self._objects.stop(self._objects.box(name))

    def restart(self, name: str) -> None:
        """By hand: a container is stopped and started; who joined a sandbox stays in the namespaces that it had."""
        with self._lock:
            box = self._objects.box(name)
            self._objects.stop(box)
            self._objects.start(box)

    def put_into(self, name: str, state: str) -> None:
        """By hand: a container is found in any state that an engine knows, such as `paused` or `removing`."""
        with self._lock:
            self._objects.box(name).state = state

    def disconnect(self, name: str, network: str) -> None:
        """By hand: a container is disconnected from a network."""
        with self._lock:
            self._objects.box(name).networks.discard(network)

    def remove_by_hand(self, name: str) -> None:
        """By hand: a container, network or volume of this name is removed, used or not."""
        with self._lock:
            self._objects.forget(name)

    def starve(self, name: str) -> None:
        """By hand: a process of a container is killed because the container's memory is full."""
        with self._lock:
            self._starved.add(name)

    def spec(self, name: str) -> SandboxSpec | ContainerSpec:
        """What a container was made of."""
        with self._lock:
            return self._objects.box(name).spec

    def namespaces(self, name: str) -> Mapping[str, str]:
        """The namespaces that a running container is in: `ipc`, `net` and `pid`, each with its id."""
        with self._lock:
            return dict(self._objects.box(name).namespaces)

    def info(self) -> EngineInfo:
        """Nothing that is true of a machine."""
        return INFO

    def observe(self, instance: InstanceName | None = None, *, images: Sequence[str] = ()) -> Observed:
        """All objects of ours, of one instance or (None) of all, the newest container first as Docker lists them."""
        with self._lock:
            there = self._objects
            return Observed(
                containers=tuple(
                    box.observed() for box in reversed(there.boxes.values()) if _is_of(box.labels, instance)
                ),
                networks=tuple(
                    ObservedNetwork(network.id, spec.name, (spec.ipv4, spec.ipv6), dict(spec.labels))
                    for network in there.networks.values()
                    for spec in (network.spec,)
                    if _is_of(spec.labels, instance)
                ),
                volumes=tuple(
                    ObservedVolume(spec.name, dict(spec.labels))
                    for spec in there.volumes.values()
                    if _is_of(spec.labels, instance)
                ),
                images={reference: self._images[reference] for reference in images if reference in self._images},
                subnets=tuple(there.subnets().items()),
            )

    def image_id(self, reference: str) -> str | None:
        """The id of an image; None if there is none."""
        with self._lock:
            return self._images.get(reference)

    def pull_image(self, reference: str, progress: Progress) -> None:
        """Fetch an image from the registry that the test gave."""
        with self._changing(f"pull image {reference}"):
            if reference not in self._registry:
                raise ImageError(f"can't pull image {reference}: no such image in the registry")
            progress(f"pulled {reference}")
            self._images[reference] = _image_id(reference.encode())

    def import_image(self, archive: Path, reference: str) -> None:
        """Make an image whose id is that of the archive's content."""
        with self._changing(f"import image {reference}"):
            try:
                self._images[reference] = _image_id(archive.read_bytes())
            except OSError as error:
                raise ImageError(f"can't import {archive} as image {reference}: {error}") from error

    def build_image(
        self, context: bytes, references: Sequence[str], arguments: Mapping[str, str], progress: Progress
    ) -> None:
        """Make an image whose id is that of the context and the arguments."""
        with self._changing(f"build image {references[0]}"):
            if b"Dockerfile" not in context:
                raise ImageError(f"can't build image {references[0]}: the context has no Dockerfile")
            progress(f"built {references[0]}")
            made = _image_id(context + repr(sorted(arguments.items())).encode())
            self._images.update(dict.fromkeys(references, made))

    def list_images(self, repository: str) -> tuple[str, ...]:
        """References of all images in `repository`, every tag, sorted."""
        with self._lock:
            return tuple(sorted(one for one in self._images if one.rpartition(":")[0] == repository))

    def remove_image(self, reference: str) -> None:
        """Remove a tag; an absent image is fine. ObjectConflict: a container has the image, and it is its last tag."""
        with self._changing(f"remove image {reference}"):
            image = self._images.get(reference)
            needed = any(box.image_id == image for box in self._objects.boxes.values())
            if image and needed and list(self._images.values()).count(image) == 1:
                raise ObjectConflict(f"can't remove image {reference}: a container uses it")
            self._images.pop(reference, None)

    def create_network(self, spec: NetworkSpec) -> None:
        """Create a bridge. Raises ObjectConflict when its name or addresses are taken."""
        with self._changing(f"create network {spec.name}"):
            self._objects.add_network(spec)

    def remove_network(self, name: str) -> None:
        """Remove our network of this name and disconnect what hangs on it; an absent or foreign one is left be."""
        with self._changing(f"remove network {name}"):
            there = self._objects.networks.get(name)
            if there is not None and labels.is_ours(there.spec.labels):
                self._objects.drop_network(name)

    def create_volume(self, spec: VolumeSpec) -> None:
        """Create a volume; one of ours that exists already is kept. ObjectConflict: it is not ours."""
        with self._changing(f"create volume {spec.name}"):
            there = self._objects.volumes.setdefault(spec.name, spec)
            if not labels.is_ours(there.labels):
                raise ObjectConflict(f"there is a volume {spec.name} that ipclab did not make")

    def remove_volume(self, name: str) -> None:
        """Remove a volume; an absent one is fine. Raises ObjectConflict when a container has it."""
        with self._changing(f"remove volume {name}"):
            self._objects.drop_volume(name)

    def create_sandbox(self, spec: SandboxSpec) -> None:
        """Create, not start, a sandbox attached to its first network. ObjectConflict: its name is taken."""
        with self._changing(f"create sandbox {spec.name}"):
            networks = {place.network for place in spec.attachments[:1]}
            self._objects.add_box(Box(spec, self._image(spec.image), dict(spec.labels), networks=networks))

    def attach_network(self, sandbox: str, spec: SandboxSpec, network: str) -> None:
        """Attach a created sandbox to another of its networks; being attached already is fine."""
        with self._changing(f"attach {sandbox} to network {network}"):
            self._objects.attach(sandbox, network)

    def create_container(self, spec: ContainerSpec) -> None:
        """Create, not start, a container that joins its sandbox, which must exist."""
        with self._changing(f"create container {spec.name}"):
            sandbox = self._objects.box(spec.sandbox)
            marks = {**spec.labels, labels.SANDBOX: sandbox.id}
            self._objects.add_box(Box(spec, self._image(spec.image), marks, sandbox=sandbox))

    def start(self, name: str) -> None:
        """Start a container or sandbox; a running one is fine. Raises ObjectMissing when it is absent."""
        with self._changing(f"start {name}"):
            self._objects.start(self._objects.box(name))

    def remove_container(self, name: str) -> None:
        """Kill and remove a container or sandbox; an absent one is fine."""
        with self._changing(f"remove {name}"):
            if name in self._objects.boxes:
                self._objects.stop(self._objects.boxes.pop(name))

    def ran_out_of_memory(self, name: str) -> bool:
        """Whether a process of a container was killed lately because the container's memory was full."""
        with self._lock:
            return name in self._starved

    def open_exec(
        self,
        container: str,
        argv: Sequence[str],
        *,
        user: str = "0",
        terminal: bool = False,
        environment: Mapping[str, str] | None = None,
        directory: str | None = None,
        on_error: Callable[[bytes], None] | None = None,
    ) -> ExecStream:
        """The stream that the test's `on_exec` gives for a running container."""
        with self._changing(f"run {argv[0]} in {container}"):
            if self._objects.box(container).state != "running":
                raise ObjectConflict(f"can't run {argv[0]} in {container}: it is not running")
        if self._on_exec is None:
            raise EngineError(f"can't run {argv[0]} in {container}: this engine runs no programs")
        return self._on_exec(container, argv)

    def close(self) -> None:
        """There is nothing to let go of."""

    @contextmanager
    def _changing(self, call: str) -> Iterator[None]:
        """Around the effect of a call: it is noted, and fails if it is to."""
        with self._lock:
            self.calls.append(call)
            due = self._fault if self._fault and self._fault.call == len(self.calls) else None
            self._fault = None if due else self._fault
        if self._watch:
            self._watch(call)
        if due and not due.after:
            raise due.error
        with self._lock:
            yield
        if due:
            raise due.error

    def _image(self, reference: str) -> str:
        if reference not in self._images:
            raise ObjectMissing(f"there is no image {reference}")
        return self._images[reference]


def _is_of(marks: Mapping[str, str], instance: InstanceName | None) -> bool:
    return labels.is_ours(marks) and (instance is None or labels.instance_of(marks) == instance)


def _image_id(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
