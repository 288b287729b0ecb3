"""A Docker Engine, API 1.41 and newer: each of our engine's methods as calls of its API.

What the bodies of the calls say is `translate`'s, connections and errors are `client`'s, a process's streams are
`stream`'s.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestrator import labels
from orchestrator.engine import translate
from orchestrator.engine.base import EngineInfo, ExecStream, Progress
from orchestrator.engine.client import Client, Clients
from orchestrator.engine.dial import dial
from orchestrator.engine.endpoint import Endpoint, find_endpoint
from orchestrator.engine.progress import follow
from orchestrator.engine.stream import HijackedStream
from orchestrator.engine.upgrade import upgrade
from orchestrator.errors import EngineError, ImageError, ObjectConflict, ObjectMissing
from orchestrator.labels import InstanceName
from orchestrator.world import ContainerSpec, NetworkSpec, Observed, ObservedContainer, SandboxSpec, VolumeSpec

CALL_TIMEOUT_S = 60.0
IMAGE_TIMEOUT_S = 900.0
"""The longest silence of a build or a pull: a step that says nothing while it works."""

DETACH_KEYS = "ctrl-@,ctrl-^,ctrl-@,ctrl-^"
"""Docker's own, ctrl-p ctrl-q, would swallow each ctrl-p that a student types in a shell."""


class DockerEngine:
    """An `Engine` that is Docker's."""

    def __init__(self, clients: Clients) -> None:
        """Use these clients, and close them in the end."""
        self._clients = clients
        self._api = translate.version(clients.versions.engine)

    @classmethod
    def connect(cls, url: str | None = None, timeout_s: float = CALL_TIMEOUT_S) -> DockerEngine:
        """The engine at `url`, else the one that the docker command would speak to.

        Raises:
            EngineUnavailable: Nothing answers there.
        """
        return cls(Clients(find_endpoint(url, os.environ, Path.home()), timeout_s))

    @property
    def endpoint(self) -> Endpoint:
        """Where it answers."""
        return self._clients.endpoint

    def info(self) -> EngineInfo:
        """What answers: versions, kernel, cgroups."""
        with self._clients.calling("ask what engine it is") as client:
            said = client.info()
        return EngineInfo(
            name=said["Name"],
            version=said["ServerVersion"],
            api_version=self._clients.versions.engine,
            os=said["OperatingSystem"],
            architecture=said["Architecture"],
            kernel=said["KernelVersion"],
            cgroup=f"v{said.get('CgroupVersion') or 1}",
            storage_driver=said["Driver"],
            cpus=said["NCPU"],
            memory_bytes=said["MemTotal"],
            security=tuple(said.get("SecurityOptions") or ()),
            # An engine behind a forwarded socket, or outside of the container that we are in, bears another name.
            local=said["Name"] == socket.gethostname() or "Docker Desktop" in said["OperatingSystem"],
        )

    def observe(self, instance: InstanceName | None = None, *, images: Sequence[str] = ()) -> Observed:
        """All objects of ours, of one instance or (None) of all, running or not, and which `images` exist."""
        wanted = [labels.LAB] if instance is None else _marks(instance)
        with self._clients.calling("look at what is there") as client:
            listed = client.containers(all=True, filters={"label": wanted})
            networks = client.networks()
            volumes = client.volumes(filters={"label": wanted})["Volumes"] or ()
        containers = [self._observe_container(row) for row in listed if labels.is_ours(row["Labels"])]
        ids = {reference: self.image_id(reference) for reference in images}
        ours = [translate.observed_network(row) for row in networks if _is_wanted(row.get("Labels") or {}, instance)]
        return Observed(
            containers=tuple(found for found in containers if found),
            networks=tuple(ours),
            volumes=tuple(translate.observed_volume(row) for row in volumes if labels.is_ours(row["Labels"])),
            images={reference: found for reference, found in ids.items() if found},
            subnets=tuple((row["Name"], pools) for row in networks if (pools := translate.subnets(row))),
        )

    def _observe_container(self, row: translate.Json) -> ObservedContainer | None:
        """None when it vanished since it was listed."""
        try:
            with self._clients.calling(f"look at {row['Id']}") as client:
                return translate.observed_container(row, client.inspect_container(row["Id"]))
        except ObjectMissing:
            return None

    def image_id(self, reference: str) -> str | None:
        """The id of an image; None if there is none."""
        try:
            with self._clients.calling(f"look at image {reference}") as client:
                return str(client.inspect_image(reference)["Id"])  # type: ignore[no-untyped-call]
        except ObjectMissing:
            return None

    def pull_image(self, reference: str, progress: Progress) -> None:
        """Fetch an image from its registry."""
        repository, tag = _split(reference)
        doing = f"pull image {reference}"
        with _image_errors(doing), self._clients.calling(doing, timeout_s=IMAGE_TIMEOUT_S) as client:
            follow(client.pull(repository, tag=tag, stream=True, decode=True), progress, doing=doing)

    def import_image(self, archive: Path, reference: str) -> None:
        """Make an image of one layer of a root file system's tarball."""
        repository, tag = _split(reference)
        doing = f"import {archive} as image {reference}"
        with _image_errors(doing), archive.open("rb") as content:
            with self._clients.calling(doing, timeout_s=IMAGE_TIMEOUT_S) as client:
                said = client.import_image(src=content, repository=repository, tag=tag)
            follow((json.loads(line) for line in said.splitlines() if line.strip()), _unheard, doing=doing)

    def build_image(
        self, context: bytes, references: Sequence[str], arguments: Mapping[str, str], progress: Progress
    ) -> None:
        """Build `context` (a tar archive holding a Dockerfile) and tag it with each of `references`."""
        doing = f"build image {references[0]}"
        with _image_errors(doing), self._clients.calling(doing, timeout_s=IMAGE_TIMEOUT_S) as client:
            events = client.build(
                fileobj=io.BytesIO(context),
                custom_context=True,
                tag=references[0],
                buildargs=dict(arguments),
                rm=True,
                forcerm=True,
                decode=True,
                timeout=int(IMAGE_TIMEOUT_S),
            )
            follow(events, progress, doing=doing)
            for reference in references[1:]:
                repository, tag = _split(reference)
                client.tag(references[0], repository, tag)

    def list_images(self, repository: str) -> tuple[str, ...]:
        """References of all images in `repository`, every tag, sorted."""
        with self._clients.calling(f"look for images of {repository}") as client:
            rows = client.images(name=repository)
        tags = {tag for row in rows for tag in row.get("RepoTags") or ()}
        return tuple(sorted(tag for tag in tags if _split(tag)[0] == repository))

    def remove_image(self, reference: str) -> None:
        """Remove a tag and what only it held; an absent image is fine."""
        try:
            with self._clients.calling(f"remove image {reference}") as client:
                client.remove_image(reference)
        except ObjectMissing:
            return

    def create_network(self, spec: NetworkSpec) -> None:
        """Create a bridge. Raises ObjectConflict when its name or addresses are taken."""
        with self._clients.calling(f"create network {spec.name}") as client:
            client.create_network(**translate.network_body(spec, self._api))

    def remove_network(self, name: str) -> None:
        """Remove our networks of this name, mostly one, and disconnect what hangs on them; an absent one is fine."""
        with self._clients.calling(f"look for network {name}") as client:
            rows = [row for row in client.networks(names=[name]) if row["Name"] == name]
        # An engine can hold a second network of the same name, and that may be somebody else's.
        ids = [row["Id"] for row in rows if labels.is_ours(row.get("Labels") or {})]
        for network in ids:
            try:
                self._remove_network(network, name)
            except ObjectConflict:
                self._disconnect_all(network, name)
                self._remove_network(network, name)

    def _remove_network(self, network: str, name: str) -> None:
        try:
            with self._clients.calling(f"remove network {name}") as client:
                client.remove_network(network)
        except ObjectMissing:
            return

    def _disconnect_all(self, network: str, name: str) -> None:
        try:
            with self._clients.calling(f"disconnect what hangs on network {name}") as client:
                for container, there in client.inspect_network(network)["Containers"].items():
                    # An endpoint whose container is gone already goes by a name of its own.
                    whose = there["Name"] if container.startswith("ep-") else container
                    client.disconnect_container_from_network(whose, network, force=True)
        except ObjectMissing:
            return

    def create_volume(self, spec: VolumeSpec) -> None:
        """Create a sized tmpfs volume; one of ours that exists already is kept. ObjectConflict: it is not ours."""
        with self._clients.calling(f"create volume {spec.name}") as client:
            there = client.create_volume(
                spec.name, driver="local", driver_opts=translate.volume_options(spec), labels=dict(spec.labels)
            )
        if not labels.is_ours(there.get("Labels") or {}):
            raise ObjectConflict(f"can't create volume {spec.name}: there is one that ipclab did not make")

    def remove_volume(self, name: str) -> None:
        """Remove a volume; an absent one is fine. Raises ObjectConflict when a container has it."""
        try:
            with self._clients.calling(f"remove volume {name}") as client:
                client.remove_volume(name)
        except ObjectMissing:
            return

    def create_sandbox(self, spec: SandboxSpec) -> None:
        """Create, not start, a sandbox attached to its first network. ObjectConflict: its name is taken."""
        with self._clients.calling(f"create sandbox {spec.name}") as client:
            _require_volume(client, spec.volume)
            _create(client, translate.sandbox_body(spec), spec.name)

    def attach_network(self, sandbox: str, spec: SandboxSpec, network: str) -> None:
        """Attach a created sandbox to another of its networks; being attached already is fine."""
        place = next(attachment for attachment in spec.attachments if attachment.network == network)
        try:
            with self._clients.calling(f"attach {sandbox} to network {network}") as client:
                client.connect_container_to_network(sandbox, network, ipv4_address=place.ipv4, ipv6_address=place.ipv6)
        except ObjectConflict:
            if not self._is_attached(sandbox, network):
                raise

    def _is_attached(self, container: str, network: str) -> bool:
        with self._clients.calling(f"look at {container}") as client:
            return network in client.inspect_container(container)["NetworkSettings"]["Networks"]

    def create_container(self, spec: ContainerSpec) -> None:
        """Create, not start, a container that joins its sandbox, which must exist."""
        with self._clients.calling(f"create container {spec.name}") as client:
            _require_volume(client, spec.volume)
            sandbox = _id_of(client, spec.sandbox)
            _create(client, translate.container_body(spec, sandbox), spec.name)

    def start(self, name: str) -> None:
        """Start a container or sandbox; a running one is fine. Raises ObjectMissing when it is absent."""
        with self._clients.calling(f"start {name}") as client:
            client.start(name)

    def remove_container(self, name: str) -> None:
        """Kill and remove a container or sandbox with its anonymous volumes; an absent one is fine."""
        deadline = time.monotonic() + self._clients.timeout_s
        try:
            while True:
                try:
                    with self._clients.calling(f"remove {name}") as client:
                        client.remove_container(name, v=True, force=True)
                    return
                except ObjectConflict:
                    # Somebody else is removing it. That is done when it is gone, and may still fail: then we try again.
                    self._await_removal(name, deadline)
        except ObjectMissing:
            return

    def _await_removal(self, name: str, deadline: float) -> None:
        left = max(deadline - time.monotonic(), 0.001)
        with self._clients.calling(f"wait until {name} is removed", timeout_s=left) as client:
            client.wait(name, timeout=math.ceil(left), condition="removed")

    def ran_out_of_memory(self, name: str) -> bool:
        """Whether a process of a container was killed lately because the container's memory was full."""
        with self._clients.calling(f"ask what happened to {name}") as client:
            # The stream of events ends at this second of the engine's clock, which the present one still belongs to.
            until = math.ceil(translate.nanoseconds(client.info()["SystemTime"]) / 10**9)
            return bool(list(client.events(since=0, until=until, filters={"container": name, "event": "oom"})))

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
        """Start a process in a running container and hold its streams."""
        doing = f"run {argv[0]} in {container}"
        with self._clients.calling(doing) as client:
            made = client.exec_create(
                container,
                list(argv),
                stdin=True,
                tty=terminal,
                user=user,
                environment=dict(environment or {}),
                workdir=directory,
                detach_keys=DETACH_KEYS,
            )
        timeout_s = self._clients.timeout_s
        path = f"/v{self._clients.versions.spoken}/exec/{made['Id']}/start"
        body = {"Detach": False, "Tty": terminal}
        upgraded = upgrade(dial(self.endpoint, timeout_s), self.endpoint, path, body, doing=doing, timeout_s=timeout_s)
        return HijackedStream(upgraded, _Exec(self._clients, made["Id"]), terminal=terminal, on_error=on_error)

    def close(self) -> None:
        """Let go of connections."""
        self._clients.close()


class _Exec:
    """What the engine knows of a process that it started in a container."""

    def __init__(self, clients: Clients, number: str) -> None:
        self._clients = clients
        self._id = number

    def exit_code(self) -> int | None:
        with self._clients.calling("ask how a process ended") as client:
            said = client.exec_inspect(self._id)
        return None if said["Running"] else said["ExitCode"]

    def is_known(self) -> bool:
        try:
            self.exit_code()
        except ObjectMissing:
            return False
        return True

    def resize(self, rows: int, columns: int) -> None:
        with self._clients.calling("tell a terminal its size") as client:
            client.exec_resize(self._id, height=rows, width=columns)


def _marks(instance: InstanceName) -> list[str]:
    """Label filters that an instance's objects pass."""
    return [f"{labels.LAB}={instance.lab}", f"{labels.INSTANCE}={instance.instance}"]


def _is_wanted(marks: Mapping[str, str], instance: InstanceName | None) -> bool:
    return labels.is_ours(marks) and (instance is None or labels.instance_of(marks) == instance)


def _id_of(client: Client, name: str) -> str:
    """A container's id, out of the list: to inspect it would wait until a start that is under way has ended.

    Raises:
        ObjectMissing: There is no such container.
    """
    rows = client.containers(all=True, filters={"name": f"^/?{re.escape(name)}$"})
    if not rows:
        raise ObjectMissing(f"there is no container {name}")
    return str(rows[0]["Id"])


def _require_volume(client: Client, volume: str | None) -> None:
    """Raise ObjectMissing if it is absent: the engine would make one itself, without a size and without our labels."""
    if volume is not None:
        client.inspect_volume(volume)


def _create(client: Client, body: translate.Json, name: str) -> None:
    client.create_container_from_config(body, name)  # type: ignore[no-untyped-call]


def _split(reference: str) -> tuple[str, str]:
    """Repository and tag; `latest` when there is none."""
    repository, colon, tag = reference.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (reference, "latest")


@contextmanager
def _image_errors(doing: str) -> Iterator[None]:
    """What an engine refuses about an image is an image's error; that it does not answer stays what it is."""
    try:
        yield
    except EngineError as error:
        raise ImageError(error.what, fix=error.fix) from error
    except OSError as error:
        raise ImageError(f"can't {doing}: {error}") from error


def _unheard(line: str) -> None:
    """Progress that nobody wants to see: an import says one line, when it is over."""
