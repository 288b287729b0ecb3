"""What a process finds in Docker's containers: limits, capabilities, file systems, networks. Asked of the kernel."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contract.conftest import Bench

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("settings")]

STUDENT = "1000:1000"
AGENT_CAPABILITIES = 0x801EB
"""CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, KILL 5, SETGID 6, SETUID 7, SETPCAP 8, SYS_PTRACE 19: capabilities(7)."""

Run = Callable[..., str]

REACH = """
import socket, sys
for address in sys.argv[2:]:
    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
        for device in b"", b"eth0":
            family, _, _, _, place = socket.getaddrinfo(address, int(sys.argv[1]), 0, kind)[0]
            with socket.socket(family, kind) as probe:
                probe.settimeout(0.3)
                try:
                    if device:
                        probe.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
                    probe.connect(place) if kind == socket.SOCK_STREAM else probe.sendto(b"?", place)
                    if probe.recv(1):
                        print("reached", address, kind.name, device.decode())
                except OSError:
                    pass
"""
SERVE = """
import socket, sys
server = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True)
print("up", flush=True)
while True:
    server.accept()[0].sendall(b"x")
"""


@pytest.fixture(scope="module")
def hosts(lasting_bench: Bench) -> Iterator[Bench]:
    """Host alpha with containers left and (nothing shared) alone, host beta in the same network."""
    bench = lasting_bench
    lan, volume = bench.network(), bench.volume()
    places = {host: bench.place(lan, number) for number, host in enumerate(("alpha", "beta"), 2)}
    bench.engine.create_network(lan)
    bench.engine.create_volume(volume)
    for host, place in places.items():
        others = {name: (other.ipv4, other.ipv6) for name, other in places.items() if name != host}
        spec = replace(bench.sandbox(host, place, volume=volume.name if host == "alpha" else None), hosts=others)
        bench.engine.create_sandbox(spec)
        bench.engine.start(spec.name)
        bench.running_container(spec, "left")
        if host == "alpha":
            bench.running_container(spec, "alone", frozenset())
    return bench


@pytest.fixture
def run(hosts: Bench) -> Run:
    """What a program prints in `host/container`, or in a host's sandbox."""

    def run(place: str, *argv: str, user: str = "0") -> str:
        with hosts.engine.open_exec(hosts.name.named(*place.split("/")), argv, user=user) as stream:
            output = b""
            while piece := stream.read(20.0):
                output += piece
            return output.decode()

    return run


@contextmanager
def this_machines_service() -> Iterator[int]:
    """A port of this machine, TCP and UDP, both families, on every address."""
    tcp = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    port = tcp.getsockname()[1]
    udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    udp.bind(("::", port))

    def serve_tcp() -> None:
        while True:
            try:
                caller = tcp.accept()[0]
            except OSError:
                return
            with caller:
                caller.sendall(b"x")

    def serve_udp() -> None:
        while (heard := udp.recvfrom(100))[0] != b"end":
            # What came in over IPv4 broadcast may come from nowhere that can be answered.
            try:
                udp.sendto(b"x", heard[1])
            except OSError:
                continue

    servers = [threading.Thread(target=serve) for serve in (serve_tcp, serve_udp)]
    for server in servers:
        server.start()
    try:
        yield port
    finally:
        tcp.shutdown(socket.SHUT_RDWR)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as ender:
            ender.sendto(b"end", ("::1", port))
        for server in servers:
            server.join(10.0)
        tcp.close()
        udp.close()


def status(run: Run, place: str, user: str = "0", pid: str = "self") -> dict[str, str]:
    lines = run(place, "cat", f"/proc/{pid}/status", user=user).splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_a_container_is_in_its_sandboxs_namespaces(run: Run) -> None:
    links = [f"/proc/self/ns/{kind}" for kind in ("ipc", "net", "pid")]
    assert run("alpha/left", "readlink", *links) == run("alpha", "readlink", *links)
    alone = run("alpha/alone", "readlink", *links).splitlines()
    assert not set(alone) & set(run("alpha", "readlink", *links).splitlines())


def test_a_student_has_no_capabilities_and_gets_none(run: Run) -> None:
    student = status(run, "alpha/left", user=STUDENT)
    assert int(student["CapEff"], 16) == int(student["CapPrm"], 16) == 0
    assert student["NoNewPrivs"] == "1"
    assert student["Seccomp"] == "2"


def test_the_agent_has_what_it_needs_and_no_more(run: Run) -> None:
    agent = status(run, "alpha/left")
    assert int(agent["CapEff"], 16) == int(agent["CapBnd"], 16) == AGENT_CAPABILITIES


def test_a_sandboxs_first_process_has_given_up_its_capability(run: Run) -> None:
    first = status(run, "alpha", pid="1")
    assert int(first["CapEff"], 16) == int(first["CapPrm"], 16) == 0
    assert run("alpha/left", "cat", "/proc/1/cmdline").split("\0")[:3] == ["/usr/lib/ipclab/pause", "sandbox", "alpha"]


def test_a_student_can_not_end_a_host(run: Run) -> None:
    said = run(
        "alpha/left", "sh", "-c", "kill -TERM 1 2>&1; for p in $(pgrep pause); do kill -9 $p 2>&1; done", user=STUDENT
    )
    assert said.lower().count("not permitted") >= 3
    assert run("alpha/left", "echo", "alive") == "alive\n"


def test_the_root_file_system_is_read_only_and_tmp_is_sized(run: Run) -> None:
    script = (
        "for f in /tmp /build /ipc; do findmnt -no OPTIONS $f; touch $f/ok; done; touch /etc/no; ls /tmp /build /ipc"
    )
    said = run("alpha/left", "sh", "-c", script, user=STUDENT).splitlines()
    tmp, build, ipc = (set(line.split(",")) for line in said[:3])
    assert tmp >= {"nosuid", "nodev", "noexec", "size=8192k", "nr_inodes=256"}
    assert build >= {"nosuid", "nodev", "size=8192k", "mode=755"}
    assert "noexec" not in build
    assert ipc >= {"nosuid", "nodev", "noexec", "size=1024k", "nr_inodes=64"}
    assert said.count("ok") == 2


def test_limits_are_those_of_the_definition(run: Run) -> None:
    limits = run("alpha/left", "cat", "/proc/self/limits")
    found = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    assert found["Max core file size"] == ["0", "0"]
    assert found["Max file size"] == [str(4 << 20)] * 2
    assert found["Max open files"] == ["128", "128"]
    assert found["Max msgqueue size"] == [str(512 << 10)] * 2


def test_sysctls_and_the_size_of_dev_shm_are_the_sandboxs(run: Run) -> None:
    assert run("alpha/left", "cat", "/proc/sys/kernel/shmmni") == "17\n"
    assert "size=1024k" in run("alpha/left", "findmnt", "-no", "OPTIONS", "/dev/shm")
    assert run("alpha/alone", "cat", "/proc/sys/kernel/shmmni") != "17\n"
    assert "size=1024k" in run("alpha/alone", "findmnt", "-no", "OPTIONS", "/dev/shm")


def test_a_fork_bomb_meets_its_limit(run: Run) -> None:
    script = "for i in $(seq 100); do sleep 5 & done 2>&1 | head -1; true"
    assert "fork" in run("alpha/left", "sh", "-c", script, user=STUDENT).lower()
    run("alpha/left", "pkill", "-9", "sleep")


def test_hosts_know_and_reach_each_other(hosts: Bench, run: Run) -> None:
    beta = hosts.place(hosts.network(), 3)
    assert run("alpha/left", "getent", "ahosts", "beta").split()[0] in (beta.ipv4, beta.ipv6)
    with hosts.engine.open_exec(hosts.name.named("beta", "left"), ["python3", "-c", SERVE, "5000"]) as server:
        assert server.read(10.0) == b"up\n"
        said = run("alpha/left", "python3", "-c", REACH, "5000", beta.ipv4, beta.ipv6, user=STUDENT)
    for address in (beta.ipv4, beta.ipv6):
        for device in ("", "eth0"):
            assert f"reached {address} SOCK_STREAM {device}\n" in said


def test_no_service_of_the_engines_machine_can_be_reached(hosts: Bench, run: Run) -> None:
    lan = hosts.network()
    bridges = [hosts.place(lan, 1).ipv4, hosts.place(lan, 1).ipv6, "fe80::1%eth0", "ff02::1%eth0", "ff02::2%eth0"]
    own = {str(found[4][0]) for found in socket.getaddrinfo(socket.gethostname(), None)} - {"127.0.0.1", "::1"}
    with this_machines_service() as port:
        assert run("alpha/left", "python3", "-c", REACH, str(port), *bridges, *own, "172.17.0.1", user=STUDENT) == ""


def test_another_instances_host_can_not_be_reached(hosts: Bench, run: Run) -> None:
    other = hosts.another()
    lan = other.network()
    other.engine.create_network(lan)
    try:
        place = other.place(lan, 2)
        sandbox = other.running_sandbox("gamma", place)
        with other.engine.open_exec(sandbox.name, ["python3", "-c", SERVE, "5000"]) as server:
            assert server.read(10.0) == b"up\n"
            said = run("alpha/left", "python3", "-c", REACH, "5000", place.ipv4, place.ipv6, user=STUDENT)
        assert said == ""
    finally:
        other.clean()


def test_nobody_in_a_host_may_change_its_routes(run: Run) -> None:
    for user in ("0", STUDENT):
        said = run("alpha/left", "sh", "-c", "ip -6 route add default dev eth0 2>&1; ip -6 route", user=user)
        assert "not permitted" in said
        assert "default" not in said.replace("add default", "")
        assert "fe80::/64" not in said
