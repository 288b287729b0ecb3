"""What we need of a container engine, as a protocol: one method is one engine call.

Implemented by `docker.DockerEngine` and `fake.FakeEngine`; `tests/contract` holds both to the same behaviour.
Methods may be called from several threads at once. Every method raises `EngineUnavailable` when nothing answers,
`EngineTimeout` when the answer does not come in time, and `EngineError` (or the subclass named) when it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from orchestrator.labels import InstanceName
from orchestrator.world import ContainerSpec, NetworkSpec, Observed, SandboxSpec, VolumeSpec

Progress = Callable[[str], None]
"""Takes one line of progress, without its newline."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What answers."""

    name: str
    version: str
    api_version: str
    os: str
    architecture: str
    kernel: str
    cgroup: str
    """`v1` or `v2`."""
    storage_driver: str
    cpus: int
    memory_bytes: int
    security: tuple[str, ...] = ()
    local: bool = True
    """Whether it sees this machine's folders, so that they can be bind-mounted."""


class ExecStream(Protocol):
    """The standard streams of one process in a container.

    Without a terminal `read` gives standard output only and standard error is kept apart (`stderr_tail`).
    One thread may read while another writes; `close` may be called from any and wakes both.
    """

    def fileno(self) -> int:
        """A descriptor that polls readable when more comes.

        What came while a `write` had to wait is kept already, and polls nothing: `read(0)` after a `write`.
        """

    def read(self, timeout_s: float | None) -> bytes:
        """All that has come of standard output, as soon as there is any; `b""` at the end of the stream.

        A connection that breaks ends the stream, too: a process that was killed and an engine that died look the same.

        Raises:
            EngineTimeout: Nothing came within `timeout_s` (None waits for ever).
        """

    def write(self, data: bytes, timeout_s: float | None = None) -> None:
        """Send all of `data` to standard input; output that comes meanwhile is kept for `read`.

        Raises:
            EngineError: The stream is broken.
            EngineTimeout: The process did not take it within `timeout_s` (None waits for ever); some of it may be sent.
        """

    def end_input(self) -> None:
        """Close standard input alone: the process sees end of file, its output can still be read.

        Raises:
            EngineError: The stream is broken.
        """

    def stderr_tail(self) -> bytes:
        """The last 4 KiB that came on standard error so far."""

    def resize(self, rows: int, columns: int) -> None:
        """Tell a terminal its size."""

    def exit_code(self) -> int | None:
        """The process's exit code; None while it runs.

        Raises:
            ObjectMissing: Its container died, and what the engine knew went with it.
        """

    def close(self) -> None:
        """End the connection; the process sees end of file. Closing twice does no harm."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Engine(Protocol):
    """A container engine."""

    def info(self) -> EngineInfo:
        """What answers: versions, kernel, cgroups."""

    def observe(self, instance: InstanceName | None = None, *, images: Sequence[str] = ()) -> Observed:
        """All objects of ours, of one instance or (None) of all, running or not, and which `images` exist."""

    def image_id(self, reference: str) -> str | None:
        """The id of an image; None if there is none."""

    def pull_image(self, reference: str, progress: Progress) -> None:
        """Fetch an image from its registry.

        Raises:
            ImageError: The registry can't be reached or has no such image.
        """

    def import_image(self, archive: Path, reference: str) -> None:
        """Make an image of one layer of a root file system's tarball."""

    def build_image(
        self, context: bytes, references: Sequence[str], arguments: Mapping[str, str], progress: Progress
    ) -> None:
        """Build `context` (a tar archive holding a Dockerfile) and tag it with each of `references`.

        Raises:
            ImageError: A step failed; says which and shows its last lines.
        """

    def list_images(self, repository: str) -> tuple[str, ...]:
        """References of all images in `repository` (`ipclab/lab`), every tag, sorted."""

    def remove_image(self, reference: str) -> None:
        """Remove a tag and what only it held; an absent image is fine."""

    def create_network(self, spec: NetworkSpec) -> None:
        """Create a bridge. Raises ObjectConflict when its name or addresses are taken."""

    def remove_network(self, name: str) -> None:
        """Remove our network of this name and disconnect what hangs on it; an absent or foreign one is left be."""

    def create_volume(self, spec: VolumeSpec) -> None:
        """Create a sized tmpfs volume; one of ours that exists already is kept. ObjectConflict: it is not ours."""

    def remove_volume(self, name: str) -> None:
        """Remove a volume; an absent one is fine."""

    def create_sandbox(self, spec: SandboxSpec) -> None:
        """Create, not start, a sandbox attached to its first network. ObjectConflict: its name is taken."""

    def attach_network(self, sandbox: str, spec: SandboxSpec, network: str) -> None:
        """Attach a created sandbox to another of its networks; being attached already is fine.

        An absent network raises ObjectMissing here or when the sandbox is started.
        """

    def create_container(self, spec: ContainerSpec) -> None:
        """Create, not start, a container that joins its sandbox, which must exist."""

    def start(self, name: str) -> None:
        """Start a container or sandbox; a running one is fine. Raises ObjectMissing when it is absent."""

    def remove_container(self, name: str) -> None:
        """Kill and remove a container or sandbox with its anonymous volumes; an absent one is fine."""

    def ran_out_of_memory(self, name: str) -> bool:
        """Whether a process of a container was killed lately because the container's memory was full.

        The engine remembers some hundred of its last events, and no more.
        """

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
        """Start a process in a running container and hold its streams.

        `on_error` is given all of standard error, piece by piece, by the thread that reads or writes.

        Raises:
            ObjectMissing: There is no such container.
            ObjectConflict: It is not running.
        """

    def close(self) -> None:
        """Let go of connections."""
