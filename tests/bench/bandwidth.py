"""The reference of `bandwidth` against memcpy() and iperf3: same blocks, same placement, in turns within one session.

Ours stops its clock when the receiver has verified the bytes; neither of the others verifies any. Who waits sleeps.
`python -m tests.bench.bandwidth [--rounds 9]` measures these alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestrator.agent.client import Agent
from orchestrator.agent.command import Command
from orchestrator.agent.facts import Tcp
from orchestrator.agent.process import Process
from orchestrator.checks.build import FLAGS
from orchestrator.engine.docker import DockerEngine
from orchestrator.labels import InstanceName
from tests.bench.result import Result, ratio_result, table

ROOT = Path(__file__).parent.parent.parent
SOURCES = {"measure": ROOT / "labs/lab-11/bandwidth/solution/measure.c", "copy": Path(__file__).parent / "copy.c"}
PORT, SEED = 21000, 7
KIB, MIB = 1 << 10, 1 << 20
BUFFERS = 8
"""Of the reference's ring, for blocks of 64 KiB and more: copies go over as much memory as it does."""
BYTES = 2048 * MIB
PATIENCE_S = 60.0
PLACES = {
    "pipe": "-",
    "fifo": "/ipc/bench.fifo",
    "unix": "/ipc/bench.sock",
    "tcp": f"127.0.0.1:{PORT}",
    "shm": "/bench",
}
VERBS = ("send", "receive")
ONE, TWO = ("0", "0"), ("0", "1")
"""The processors of the sender and of the receiver."""
CATALOGUE_GB_PER_S = {"pipe": 8.60, "fifo": 8.60, "unix": 11.16}
"""The best of the benchmarks lmbench, rigtorp's and avsm's: one processor, blocks of 64 KiB, a machine of this kind."""
CATALOGUE_COPY_GB_PER_S = 48.5
"""Of lmbench's bcopy within the cache, there."""
NEAR = 0.8


@dataclass(frozen=True)
class Programs:
    """What is measured, in one container. It may take one processor: two programs that are to have two need two."""

    agent: Agent

    def spawn(self, *words: str) -> Process:
        """Start it."""
        return self.agent.spawn(Command(words, env={"PATH": "/usr/bin:/bin:/build"}, cwd="/tmp"))

    def said(self, process: Process) -> str:
        """What it has printed when it has ended."""
        result = process.wait(PATIENCE_S)
        if result.exit != 0:
            sys.exit(f"{result.describe()}: {result.stderr.decode()}")
        return result.stdout.decode()

    def compile(self) -> None:
        """All of them, as students' programs are compiled."""
        for name, source in SOURCES.items():
            self.agent.put(f"/build/{name}.c", source.read_bytes())
            words = ("gcc", *FLAGS, "-o", f"/build/{name}", f"/build/{name}.c")
            done = self.agent.run(
                Command(words, env={"PATH": "/usr/bin:/bin"}, cwd="/tmp", uid=0, gid=0, umask=0o022), 60
            )
            if done.exit != 0:
                sys.exit(done.stderr.decode())

    def copy(self, block: int, cpu: str) -> float:
        """Seconds of memcpy()."""
        words = (str(block), str(BUFFERS), str(BYTES // block))
        return float(self.said(self.spawn("taskset", "-c", cpu, "copy", *words)))


@dataclass(frozen=True)
class Pair:
    """Two containers of a host: programs of a sender and of a receiver."""

    near: Programs
    far: Programs

    def ours(self, mechanism: str, block: int, cpus: tuple[str, str]) -> float:
        """Seconds until all bytes were verified."""
        words = (mechanism, PLACES[mechanism], str(block), str(BYTES // block), str(SEED))
        send, receive = (("taskset", "-c", cpu, "measure", verb, *words) for verb, cpu in zip(VERBS, cpus, strict=True))
        if mechanism == "pipe":
            both = " ".join((*send, "|", *receive))
            return float(self.near.said(self.near.spawn("sh", "-c", both)).split()[-3])
        receiver = self.far.spawn(*receive)
        while b"ready" not in (so_far := receiver.output()).stdout:
            if so_far.ended:
                sys.exit(f"measure: {so_far.stderr.decode()}")
        self.near.said(self.near.spawn(*send))
        return float(self.far.said(receiver).split()[-3])

    def iperf3(self, block: int, cpus: tuple[str, str]) -> float:
        """Seconds that so many bytes took to be received."""
        server = self.far.spawn("taskset", "-c", cpus[1], "iperf3", "-s", "-1", "-J", "-p", str(PORT))
        self.far.agent.wait(Tcp, PATIENCE_S, local__port=PORT, state="listen")
        client = ("iperf3", "-c", "127.0.0.1", "-p", str(PORT), "-n", str(BYTES), "-l", str(block), "-J")
        said = self.near.said(self.near.spawn("taskset", "-c", cpus[0], *client))
        self.far.said(server)
        return BYTES * 8 / float(json.loads(said)["end"]["sum_received"]["bits_per_second"])


@dataclass(frozen=True)
class Comparison:
    """One of ours, its reference, and how much longer than that it may take."""

    name: str
    ours: Callable[[], float]
    theirs: Callable[[], float]
    against: str
    at_most: float

    def result(self, rounds: int) -> Result:
        """Medians of as many runs of each, in turns, after one that does not count."""
        pairs = [(self.ours(), self.theirs()) for _ in range(rounds + 1)][1:]
        ours, theirs = (statistics.median(times) * 1e9 / BYTES for times in zip(*pairs, strict=True))
        note = f"{1 / ours:.2f} GB/s, {theirs / ours:.2f} of {1 / theirs:.2f} GB/s"
        return ratio_result(self.name, ours, theirs, unit="s/GB", at_most=self.at_most, against=self.against, note=note)


def comparisons(pair: Pair) -> Sequence[Comparison]:
    """What is compared."""
    found = [
        Comparison(
            "shared memory, blocks of 1 MiB, two processors",
            lambda: pair.ours("shm", MIB, TWO),
            lambda: pair.near.copy(MIB, ONE[0]),
            "memcpy() of such blocks over as much memory, one processor",
            at_most=1 / 0.8,
        )
    ]
    for cpus, where in ((ONE, "one processor"), (TWO, "two processors")):
        found.append(
            Comparison(
                f"TCP, blocks of 128 KiB, {where}",
                lambda cpus=cpus: pair.ours("tcp", 128 * KIB, cpus),  # type: ignore[misc]
                lambda cpus=cpus: pair.iperf3(128 * KIB, cpus),  # type: ignore[misc]
                f"iperf3 with such blocks, {where}",
                at_most=1 / 0.9,
            )
        )
    for mechanism, best in CATALOGUE_GB_PER_S.items():
        found.append(
            Comparison(
                f"{mechanism}, blocks of 64 KiB, one processor",
                lambda mechanism=mechanism: pair.ours(mechanism, 64 * KIB, ONE),  # type: ignore[misc]
                lambda: pair.near.copy(64 * KIB, ONE[0]),
                f"memcpy() of such blocks; the best others reach {best / CATALOGUE_COPY_GB_PER_S:.2f} of it unverified",
                at_most=CATALOGUE_COPY_GB_PER_S / best / NEAR,
            )
        )
    return found


def bandwidth(name: InstanceName, rounds: int) -> list[Result]:
    """All of them, in an instance of lab 11 that is up."""
    engine = DockerEngine.connect()
    with (
        Agent.start(engine, name.named("alpha", "left")) as near,
        Agent.start(engine, name.named("alpha", "right")) as far,
    ):
        pair = Pair(Programs(near), Programs(far))
        pair.near.compile()
        pair.far.compile()
        results = [one.result(rounds) for one in comparisons(pair)]
    engine.close()
    return results


def main() -> None:
    """Measure these alone."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--instance", default="bench")
    arguments = parser.parse_args()
    ipclab = str(Path(sys.executable).parent / "ipclab")
    instance = ("lab-11", "--instance", arguments.instance)
    subprocess.run([ipclab, "up", *instance], check=True, capture_output=True)
    results = bandwidth(InstanceName("lab-11", arguments.instance), arguments.rounds)
    subprocess.run([ipclab, "down", *instance], check=True, capture_output=True)
    print(table(results))
    print(*(f"- {one.name}: {one.note}" for one in results), sep="\n")
    sys.exit(0 if all(one.met for one in results) else 1)


if __name__ == "__main__":
    main()
