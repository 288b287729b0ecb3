"""Processes in Docker's containers, and their streams."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.base import Engine, ExecStream
from orchestrator.errors import EngineTimeout, ObjectMissing

if TYPE_CHECKING:
    from tests.contract.conftest import Bench

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("exec")]

ECHO = "import os\nwhile d := os.read(0, 1 << 20):\n    v = memoryview(d)\n    while v: v = v[os.write(1, v):]\n"
ECHO_THEN_NOTE = ECHO + "open('/tmp/' + os.environ['NOTE'], 'w')"
HOLDER = """
import sys, time
from orchestrator.engine.docker import DockerEngine
stream = DockerEngine.connect().open_exec(sys.argv[1], ["python3", "-c", sys.argv[2]], environment={"NOTE": "killed"})
stream.write(b"up")
stream.read(20)
print("up", flush=True)
stream.read(None)
"""


@pytest.fixture(scope="module")
def container(lasting_bench: Bench) -> Iterator[str]:
    """A running container."""
    return lasting_bench.running_container(lasting_bench.running_sandbox()).name


@pytest.fixture
def run(lasting_bench: Bench, container: str) -> Callable[..., bytes]:
    """Run a program to its end and give its output."""

    def run(*argv: str, user: str = "0") -> bytes:
        with lasting_bench.engine.open_exec(container, argv, user=user) as stream:
            return rest_of(stream)

    return run


def rest_of(stream: ExecStream) -> bytes:
    output = b""
    while piece := stream.read(20.0):
        output += piece
    return output


def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"


def test_output_errors_and_exit_code_are_kept_apart(lasting_bench: Bench, container: str) -> None:
    script = "printf out; printf err >&2; exit 3"
    with lasting_bench.engine.open_exec(container, ["sh", "-c", script]) as stream:
        assert rest_of(stream) == b"out"
        assert stream.stderr_tail() == b"err"
        eventually(lambda: stream.exit_code() == 3)


def test_errors_can_be_listened_to(lasting_bench: Bench, container: str) -> None:
    heard: list[bytes] = []
    script = "printf one >&2; printf out; printf two >&2"
    with lasting_bench.engine.open_exec(container, ["sh", "-c", script], on_error=heard.append) as stream:
        assert rest_of(stream) == b"out"
    assert b"".join(heard) == b"onetwo"


def test_a_process_gets_its_user_environment_and_directory(lasting_bench: Bench, container: str) -> None:
    argv = ["sh", "-c", 'echo "$(id -u) $GREETING $PWD"']
    opened = lasting_bench.engine.open_exec(
        container, argv, user="1000:1000", environment={"GREETING": "hello"}, directory="/tmp"
    )
    with opened as stream:
        assert rest_of(stream) == b"1000 hello /tmp\n"


def test_binary_data_goes_there_and_back_whole(lasting_bench: Bench, container: str) -> None:
    data = os.urandom(4 << 20)
    with lasting_bench.engine.open_exec(container, ["python3", "-c", ECHO]) as stream:
        # The echo fills every buffer on the way back while we still write.
        stream.write(data, 30.0)
        stream.end_input()
        assert rest_of(stream) == data
        eventually(lambda: stream.exit_code() == 0)


def test_silence_is_a_timeout_and_the_stream_goes_on(lasting_bench: Bench, container: str) -> None:
    with lasting_bench.engine.open_exec(container, ["cat"]) as stream:
        with pytest.raises(EngineTimeout):
            stream.read(0.05)
        assert stream.exit_code() is None
        stream.write(b"still here")
        assert stream.read(10.0) == b"still here"


def test_who_does_not_read_can_not_hold_a_writer_for_ever(lasting_bench: Bench, container: str) -> None:
    with (
        lasting_bench.engine.open_exec(container, ["sleep", "60"]) as stream,
        pytest.raises(EngineTimeout),
    ):
        stream.write(bytes(8 << 20), 0.2)


def test_closing_is_end_of_file_for_the_process(
    lasting_bench: Bench, container: str, run: Callable[..., bytes]
) -> None:
    argv = ["python3", "-c", ECHO_THEN_NOTE]
    with lasting_bench.engine.open_exec(container, argv, environment={"NOTE": "closed"}) as stream:
        stream.write(b"up")
        assert stream.read(10.0) == b"up"
    eventually(lambda: b"closed" in run("ls", "/tmp"))


def test_a_killed_orchestrator_is_end_of_file_for_the_process(container: str, run: Callable[..., bytes]) -> None:
    argv = [sys.executable, "-c", HOLDER, container, ECHO_THEN_NOTE]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"up\n"
        holder.send_signal(signal.SIGKILL)
    eventually(lambda: b"killed" in run("ls", "/tmp"))


def test_a_killed_process_ends_its_stream(lasting_bench: Bench, container: str, run: Callable[..., bytes]) -> None:
    with lasting_bench.engine.open_exec(container, ["sleep", "61"]) as stream:
        # The connection is there before the program is: until then there is nothing of that name to kill.
        eventually(lambda: run("pgrep", "-f", "^sleep 61") != b"")
        run("pkill", "-9", "-f", "^sleep 61")
        assert stream.read(30.0) == b""
        eventually(lambda: stream.exit_code() == 128 + signal.SIGKILL)


def test_a_program_that_does_not_exist_says_so_and_ends(lasting_bench: Bench, container: str) -> None:
    with lasting_bench.engine.open_exec(container, ["/no/such/program"]) as stream:
        assert b"/no/such/program" in rest_of(stream)
        eventually(lambda: stream.exit_code() in (126, 127))


def test_a_terminal_has_a_size_and_one_stream(lasting_bench: Bench, container: str) -> None:
    with lasting_bench.engine.open_exec(container, ["sh"], terminal=True) as stream:
        stream.resize(40, 100)
        stream.write(b"stty size; echo err >&2; exit 5\n")
        said = rest_of(stream)
        assert b"40 100\r\n" in said
        assert b"err\r\n" in said
        eventually(lambda: stream.exit_code() == 5)


def test_a_terminal_takes_the_keys_that_docker_would_detach_on(lasting_bench: Bench, container: str) -> None:
    with lasting_bench.engine.open_exec(
        container, ["sh", "-c", "stty -echo raw; echo up; cat"], terminal=True
    ) as stream:
        said = stream.read(10.0)
        while b"up" not in said:
            said += stream.read(10.0)
        stream.write(b"\x10\x11")
        assert stream.read(10.0) == b"\x10\x11"


@pytest.mark.parametrize("share", [frozenset({"ipc", "net", "pid"}), frozenset({"ipc", "net"})], ids=["pid", "own-pid"])
@pytest.mark.parametrize("what", ["kill", "restart", "remove"])
def test_the_stream_of_a_container_that_dies_ends(docker_bench: Bench, what: str, share: frozenset[str]) -> None:
    spec = docker_bench.running_container(docker_bench.running_sandbox(), share=share)
    with docker_bench.engine.open_exec(spec.name, ["sh", "-c", "echo up; exec sleep 60"]) as stream:
        assert stream.read(10.0) == b"up\n"
        {
            "kill": docker_bench.hands.kill,
            "restart": docker_bench.hands.restart,
            "remove": docker_bench.engine.remove_container,
        }[what](spec.name)
        assert stream.read(30.0) == b""


def test_nothing_is_known_of_a_process_whose_container_is_gone(docker_bench: Bench) -> None:
    sandbox = docker_bench.running_sandbox()
    with docker_bench.engine.open_exec(sandbox.name, ["sh", "-c", "echo up; exec sleep 60"]) as stream:
        assert stream.read(10.0) == b"up\n"
        docker_bench.engine.remove_container(sandbox.name)
        with pytest.raises(ObjectMissing):
            stream.exit_code()


def test_closing_wakes_who_reads(lasting_bench: Bench, container: str) -> None:
    engine: Engine = lasting_bench.engine
    stream = engine.open_exec(container, ["sleep", "62"])
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(stream.read(None)))
    reader.start()
    stream.close()
    stream.close()
    reader.join(10.0)
    assert got == [b""]
