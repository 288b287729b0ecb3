"""The image of hosts and containers as it really is, how it is built, and what the doctor finds in it.

Run as a program, this file builds one image: tests run it twice at once, and kill it.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator import lifecycle, trial
from orchestrator.doctor import Level, examine
from orchestrator.engine import images
from orchestrator.engine.client import Clients
from orchestrator.engine.context import reference
from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.endpoint import find_endpoint
from orchestrator.errors import ImageError
from orchestrator.labels import InstanceName
from orchestrator.settled import arguments
from orchestrator.world import ContainerSpec, ImageSpec, Limits, SandboxSpec

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("images")]

LARGEST_BYTES = 400 * 10**6
NAME = InstanceName("lab-96", f"images-{os.getpid()}")
SANDBOX = NAME.named("alpha")
LEFT = NAME.named("alpha", "left")
ALONE = NAME.named("alpha", "alone")
LIMITS = Limits(
    memory_bytes=512 << 20, pids=64, tmp_bytes=32 << 20, tmp_inodes=4096, cpus=2.0, file_bytes=32 << 20, open_files=256,
    mqueue_bytes=512 << 10,
)  # fmt: skip
TOOLS = """
bash gcc gdb hexdump ip ipcmk ipcrm ipcs killall less ls lsipc lsns lsof mail make mkfifo nano nc od ping pgrep ps
pstree python3 socat ss stat strace top vi watch xxd
"""

FAULTY = r"""
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    char *copy = malloc(strlen(argv[0]));

    strcpy(copy, argv[0]);
    return argc == 3 && copy[0];
}
"""

RACY = r"""
#include <pthread.h>

static int counter;

static void *count(void *argument) {
    for (int i = 0; i < 1000; i++)
        counter++;
    return argument;
}

int main(void) {
    pthread_t threads[2];

    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, count, NULL) != 0)
            return 2;
    for (int i = 0; i < 2; i++)
        if (pthread_join(threads[i], NULL) != 0)
            return 2;
    return 0;
}
"""

ORPHANS = """
import os, signal, time
for _ in range(20):
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(0.05)
        os._exit(0)
    os.wait()
"""

PRIVILEGED = """
import os, stat
for folder, below, names in os.walk("/"):
    below[:] = [name for name in below if not os.path.ismount(os.path.join(folder, name))]
    for name in names:
        path = os.path.join(folder, name)
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            continue
        if status.st_mode & 0o6000 or "security.capability" in os.listxattr(path):
            print(path)
"""


def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"


@pytest.fixture(scope="module")
def clients() -> Iterator[Clients]:
    clients = Clients(find_endpoint(None, os.environ, Path.home()), 60.0)
    yield clients
    clients.close()


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    engine = DockerEngine.connect()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def image(engine: DockerEngine) -> str:
    """The lab's image, built if need be."""
    spec = ImageSpec("lab", reference("lab", images.base_reference(None), arguments()))
    lifecycle.build_image(engine, spec, None, print)
    return spec.reference


@pytest.fixture(scope="module")
def host(engine: DockerEngine, image: str) -> Iterator[DockerEngine]:
    """The engine, with a host on it: container left shares all of its namespaces, container alone none."""
    try:
        sandbox = SandboxSpec(
            name=SANDBOX,
            host="alpha",
            hostname="alpha",
            image=image,
            attachments=(),
            hosts={},
            sysctls={},
            shm_bytes=1 << 20,
            volume=None,
            labels=NAME.labels("sandbox", host="alpha"),
        )
        engine.create_sandbox(sandbox)
        engine.start(SANDBOX)
        for name, share in ((LEFT, {"ipc", "net", "pid"}), (ALONE, set[str]())):
            key = name.rpartition(".")[2]
            spec = ContainerSpec(
                name=name,
                host="alpha",
                container=key,
                hostname="alpha",
                image=image,
                sandbox=SANDBOX,
                share=frozenset(share),
                volume=None,
                limits=LIMITS,
                shm_bytes=1 << 20,
                labels=NAME.labels("container", host="alpha", container=key),
            )
            engine.create_container(spec)
            engine.start(name)
        yield engine
    finally:
        lifecycle.down(engine, NAME)


def ran(host: DockerEngine, *argv: str, user: str = "student", container: str = LEFT) -> tuple[int | None, str]:
    """How a program in a container ended, and what it said, errors last."""
    with host.open_exec(container, argv, user=user) as stream:
        said = b""
        while piece := stream.read(30):
            said += piece
        return stream.exit_code(), (said + stream.stderr_tail()).decode()


def shell(host: DockerEngine, script: str, user: str = "student", container: str = LEFT) -> tuple[int | None, str]:
    return ran(host, "sh", "-c", script, user=user, container=container)


def test_the_image_is_small(clients: Clients, image: str) -> None:
    with clients.calling("look at the image") as client:
        size_bytes = client.inspect_image(image)["Size"]
    print(f"{image}: {size_bytes / 10**6:.0f} MB")
    assert size_bytes < LARGEST_BYTES


def test_student_and_peer_are_different_users_of_one_group(host: DockerEngine) -> None:
    uid = arguments()["STUDENT_UID"]
    assert ran(host, "id") == (0, f"uid={uid}(student) gid=1000(student) groups=1000(student)\n")
    assert ran(host, "id", user="peer") == (0, "uid=1999(peer) gid=1000(student) groups=1000(student)\n")
    _, users = shell(host, "getent passwd student peer")
    assert [line.split(":", 5)[5] for line in users.splitlines()] == [
        "/home/student:/bin/bash",
        "/nonexistent:/usr/sbin/nologin",
    ]


@pytest.mark.parametrize("options", ["-lc", "-ic", "-lic"])
def test_what_a_shell_makes_is_the_groups_too(host: DockerEngine, options: str) -> None:
    code, said = ran(host, "bash", options, "umask")
    assert (code, said.splitlines()[0]) == (0, "0007")


def test_a_prompt_shows_host_and_container(host: DockerEngine) -> None:
    _, said = ran(host, "bash", "-ic", 'cd /tmp; echo "${PS1@P}"')
    assert said.startswith("student@alpha/left:/tmp$ \n")


def test_what_a_student_looks_for_is_there(host: DockerEngine) -> None:
    tools = " ".join(TOOLS.split())
    assert shell(host, f"for tool in {tools}; do command -v $tool >/dev/null || echo no $tool; done") == (0, "")


def test_python_has_its_standard_library(host: DockerEngine) -> None:
    assert ran(host, "python3", "-I", "-c", "import ctypes, json, socket, selectors, mmap") == (0, "")


def compiled(host: DockerEngine, source: str, *options: str) -> None:
    """Compile into /build, where only root may write."""
    command = f"cat > /tmp/{os.getpid()}.c <<'END'\n{source}\nEND\n" + " ".join(
        ["gcc -std=c17 -D_GNU_SOURCE -Wall -Wextra -O1 -g -pthread", *options, f"-o /build/p /tmp/{os.getpid()}.c"]
    )
    assert shell(host, command, user="root") == (0, "")


@pytest.mark.parametrize(
    ("source", "sanitizers", "report"),
    [
        (FAULTY, "address,undefined", "heap-buffer-overflow"),
        (RACY, "thread", "data race"),
    ],
)
def test_sanitizers_link_and_find_what_they_are_for(
    host: DockerEngine, source: str, sanitizers: str, report: str
) -> None:
    compiled(host, source, f"-fsanitize={sanitizers}")
    code, said = shell(host, "/build/p 2>&1")
    assert code != 0
    assert report in said


def test_a_program_links_with_the_libraries_that_older_systems_need(host: DockerEngine) -> None:
    compiled(host, "int main(void) { return 7; }", "-lrt -lpthread -lm -ldl")
    assert shell(host, "/build/p") == (7, "")


def test_gdb_and_strace_work_for_a_student_on_his_own_programs(host: DockerEngine) -> None:
    compiled(host, "int main(void) { return 7; }")
    assert "exited with code 07" in shell(host, "gdb -batch -ex run /build/p 2>&1")[1]
    assert "exit_group(7)" in shell(host, "strace /build/p 2>&1")[1]


def test_no_file_of_the_image_gives_privileges(host: DockerEngine) -> None:
    assert ran(host, "python3", "-I", "-S", "-c", PRIVILEGED, user="root") == (0, "")


def test_our_own_files_are_roots_and_nobody_may_write_them(host: DockerEngine) -> None:
    loose = "find /usr/lib/ipclab ! -user root -o ! -type l -perm /222"
    assert shell(host, loose, user="root") == (0, "")
    uncompiled = (
        "cd /usr/lib/ipclab/agent && for module in [!_]*.py; do "
        "ls __pycache__/${module%.py}.cpython-*.pyc >/dev/null || exit 1; done"
    )
    assert shell(host, uncompiled) == (0, "")
    assert ran(host, "ls", "/usr/lib/ipclab") == (0, "agent\nfence\npause\nperturb.o\n")


def test_mount_points_are_there_and_the_rest_can_not_be_written(host: DockerEngine) -> None:
    assert shell(host, "test -d /ipc && test -d /work && test -d /build && touch /tmp/x") == (0, "")
    code, said = shell(host, "touch /x", user="root")
    assert code != 0
    assert "Read-only file system" in said


def test_nothing_that_only_a_build_needs_is_left(host: DockerEngine) -> None:
    assert (
        shell(host, "ls /var/lib/apt/lists /usr/share/man /usr/share/locale | grep -v :", user="root")[1].split() == []
    )


def states(host: DockerEngine, container: str) -> str:
    return shell(host, "cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' | cut -c 1", container=container)[1]


@pytest.mark.parametrize("container", [LEFT, ALONE], ids=["left", "alone"])
def test_pause_waits_for_the_children_of_others(host: DockerEngine, container: str) -> None:
    assert ran(host, "python3", "-I", "-S", "-c", ORPHANS, container=container) == (0, "")
    eventually(lambda: "Z" not in states(host, container))


def test_pause_says_whose_namespaces_these_are(host: DockerEngine) -> None:
    assert shell(host, "tr '\\0' ' ' < /proc/1/cmdline") == (0, "/usr/lib/ipclab/pause sandbox alpha ")
    assert shell(host, "tr '\\0' ' ' < /proc/1/cmdline", container=ALONE)[1].endswith("pause container alpha/alone ")


def test_a_student_can_not_end_pause(host: DockerEngine) -> None:
    for name in ("TERM", "KILL", "INT"):
        code, said = ran(host, "kill", f"-{name}", "1")
        assert code != 0
        assert "not permitted" in said


def test_pause_ends_at_once_when_it_is_told_to(host: DockerEngine, clients: Clients) -> None:
    with clients.calling("stop a container") as client:
        began = time.monotonic()
        client.stop(ALONE, timeout=30)
        assert time.monotonic() - began < 5
        assert client.wait(ALONE)["StatusCode"] == 0
        client.start(ALONE)


def test_the_doctor_finds_a_machine_where_labs_can_run(engine: DockerEngine, image: str) -> None:
    found = examine(engine)
    assert [row for row in found.rows if row.level is Level.MISSING] == []
    assert any("gcc" in row.found for row in found.rows)
    assert lifecycle.instances(engine, trial.LAB) == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An `images/` with one image whose steps a test gives; its tags do not meet those of other runs."""
    folder = tmp_path / "images" / f"h-test-{os.getpid()}"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def built(folder: Path, engine: DockerEngine) -> Iterator[Callable[[str], ImageSpec]]:
    """Gives the spec of an image with these steps; its tags are removed in the end."""
    made: list[ImageSpec] = []

    def of(steps: str) -> ImageSpec:
        (folder / "Dockerfile").write_text(f"ARG BASE\nFROM ${{BASE}}\n{steps}\n")
        made.append(ImageSpec(folder.name, reference(folder.name, images.base_reference(None), {}, folder.parent)))
        return made[-1]

    yield of
    for spec in made:
        engine.remove_image(spec.reference)
    engine.remove_image(f"ipclab/{folder.name}:latest")


def build_elsewhere(spec: ImageSpec, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, spec.name, spec.reference, str(folder.parent)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)


def containers(clients: Clients, marker: str) -> list[str]:
    with clients.calling("list containers") as client:
        return [row["Id"] for row in client.containers(all=True) if marker in row["Command"]]


def test_a_step_that_fails_is_shown_with_its_last_lines(
    built: Callable[[str], ImageSpec], folder: Path, engine: DockerEngine, image: str
) -> None:
    spec = built("RUN echo looking for it; echo it is not there >&2; exit 3")
    with pytest.raises(ImageError) as caught:
        images.build(engine, spec, base=None, arguments={}, progress=print, images=folder.parent)
    assert "returned a non-zero code: 3" in caught.value.what
    assert "RUN echo looking for it" in caught.value.what
    assert "it is not there" in caught.value.what


def test_two_processes_that_build_one_image_both_end_well(
    built: Callable[[str], ImageSpec], folder: Path, engine: DockerEngine, image: str
) -> None:
    spec = built("RUN sleep 1")
    both = [build_elsewhere(spec, folder) for _ in range(2)]
    said = [builder.communicate(timeout=120)[0] for builder in both]
    assert [builder.returncode for builder in both] == [0, 0]
    assert sum(b"RUN sleep 1" in text for text in said) == 1
    assert engine.image_id(spec.reference)


def test_a_build_that_is_killed_leaves_no_container(
    built: Callable[[str], ImageSpec], folder: Path, clients: Clients, image: str
) -> None:
    marker = f"sleep 45.{os.getpid()}"
    with build_elsewhere(built(f"RUN {marker}"), folder) as builder:
        eventually(lambda: bool(containers(clients, marker)), timeout_s=60)
        builder.kill()
    eventually(lambda: not containers(clients, marker))


def test_a_tarball_serves_as_a_base(engine: DockerEngine, tmp_path: Path) -> None:
    tarball = tmp_path / "root.tar.gz"
    with tarfile.open(tarball, "w:gz") as archive:
        header = tarfile.TarInfo("etc/made-by")
        header.size = 4
        archive.addfile(header, io.BytesIO(b"test"))
    name = images.ensure_base(engine, str(tarball), print)
    try:
        assert engine.image_id(name)
    finally:
        engine.remove_image(name)


if __name__ == "__main__":
    images.build(
        DockerEngine.connect(),
        ImageSpec(sys.argv[1], sys.argv[2]),
        base=None,
        arguments={},
        progress=lambda line: print(line, flush=True),
        images=Path(sys.argv[3]),
    )
