"""`make bench`: every measurement, the table, docs/bench.md and .bench/results.json."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import testinfra

from orchestrator import settled
from orchestrator.agent.client import Agent
from orchestrator.agent.facts import SysvShm
from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.translate import container_body, network_body, sandbox_body, version, volume_options
from orchestrator.executor import PARALLEL
from orchestrator.labels import InstanceName
from orchestrator.resolve import resolve
from orchestrator.spec.load import load_lab_only
from orchestrator.world import Desired
from tests.bench.bandwidth import bandwidth
from tests.bench.clock import Step, in_turns, medians, seconds
from tests.bench.result import Result, bound_result, ratio_result, table, write

ROOT = Path(__file__).parent.parent.parent
IPCLAB = str(Path(sys.executable).parent / "ipclab")
LAB = ROOT / "labs" / "lab-11"
NAME = InstanceName("lab-11", "bench")
FIRST_FIVE = ("sysv-shm", "posix-shm", "fifo", "unix-socket", "tcp")
"""The exercises that the bars of the first release are about."""
SEEN_BY_EXEC = "not outlives_bad_clients"
"""An exec for each fact is too slow to see a connection in close_wait, for which that check waits."""


def quietly(*command: str, cwd: Path = ROOT, environment: dict[str, str] | None = None) -> None:
    """Run a command; its output is shown only when it fails."""
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def command(*words: str) -> Step:
    """A step that runs a command."""
    return lambda: quietly(*words)


def one_fact() -> list[Result]:
    """A fact through the agent, against a command through testinfra's own Docker backend."""
    quietly(IPCLAB, "up", "lab-11", "--instance", NAME.instance)
    container = NAME.named("alpha", "left")
    engine = DockerEngine.connect()
    theirs = testinfra.get_host(f"docker://{container}")
    ours_s: list[float] = []
    theirs_s: list[float] = []
    with Agent.start(engine, container) as agent:
        for _ in range(20):
            theirs_s.append(seconds(lambda: theirs.run("true")))
            ours_s += [seconds(lambda: agent.facts(SysvShm, key=5678)) for _ in range(200)]
    engine.close()
    value, reference = statistics.median(ours_s[200:]) * 1e3, statistics.median(theirs_s[1:]) * 1e3
    against = ratio_result(
        "one fact through the agent",
        value,
        reference,
        unit="ms",
        at_most=1 / 200,
        against='testinfra docker://, run("true")',
        note=f"{reference / value:.0f} times faster",
    )
    return [against, bound_result("one fact through the agent", value, unit="ms", below=0.3)]


def going_up(rounds: int) -> list[Result]:
    """`up`, against docker-compose and against the same engine calls alone."""
    calls = Path(tempfile.mkdtemp()) / "calls.json"
    calls.write_text(json.dumps(bare_calls()))
    compose = ("docker-compose", "-f", str(ROOT / "compose" / "lab-11.yaml"))
    steps = {
        "up": command(IPCLAB, "up", "lab-11", "--instance", NAME.instance),
        "bare": command(sys.executable, "-m", "tests.bench.bare", str(calls)),
        "compose": command(*compose, "up", "-d"),
    }

    def clear() -> None:
        quietly(IPCLAB, "down", "lab-11", "--instance", NAME.instance)
        if subprocess.run(["docker", "ps", "-aq", "--filter", "name=lab-11.compose"], capture_output=True).stdout:
            quietly(*compose, "down", "-v")

    clear()
    took = medians(in_turns(steps, rounds, clear))
    shutil.rmtree(calls.parent)
    against_compose = ratio_result(
        "up of lab-11, images there",
        took["up"],
        took["compose"],
        unit="s",
        at_most=0.6,
        against="docker-compose up -d of the exported file",
    )
    against_bare = ratio_result(
        "up of lab-11",
        took["up"],
        took["bare"],
        unit="s",
        at_most=1.15,
        against="a bare script that makes the same engine calls in parallel",
    )
    return [against_compose, against_bare]


def bare_calls() -> dict[str, object]:
    """What `up` would ask of the engine, as plain bodies, with the ids of sandboxes left open."""
    definition = load_lab_only(LAB)
    images = settled.all_references()
    desired: Desired = resolve(definition.lab, NAME, slot=0, images=images)
    return {
        "parallel": PARALLEL,
        "networks": [{"body": network_body(one, version("1.41"))} for one in desired.networks],
        "volumes": [
            {"name": one.name, "options": volume_options(one), "labels": dict(one.labels)} for one in desired.volumes
        ],
        "sandboxes": [{"name": one.name, "body": sandbox_body(one), "joins": ""} for one in desired.sandboxes],
        "containers": [
            {"name": one.name, "body": container_body(one, "SANDBOX"), "joins": one.sandbox}
            for one in desired.containers
        ],
    }


def up_when_up() -> Result:
    """`ipclab up` of what is up, the whole command."""
    step = command(IPCLAB, "up", "lab-11", "--instance", NAME.instance)
    step()
    step()
    value = statistics.median(seconds(step) for _ in range(15))
    return bound_result("up when up, the whole command", value, unit="s", below=0.3)


def checking(rounds: int) -> list[Result]:
    """The first five exercises with the reference, warm, against the same checks with an exec for each fact; all."""
    quietly(IPCLAB, "up", "lab-11", "--instance", NAME.instance)
    check = (IPCLAB, "check", "lab-11", "--instance", NAME.instance, "--reference")
    five = (*check[:3], *FIRST_FIVE, *check[3:])
    folders = [str(LAB / name) for name in FIRST_FIVE]
    python = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *folders, "--reference")
    slow = (*python, "--instance", NAME.instance, "-p", "tests.bench.exec_per_fact", "-k", SEEN_BY_EXEC)
    steps = {
        "all": command(*check),
        "five": command(*five),
        "agent": command(*five, "-k", SEEN_BY_EXEC),
        "exec": command(*slow),
    }
    took = medians(in_turns(steps, rounds))
    against_exec = ratio_result(
        "make lab-11, the first five exercises with the reference, warm",
        took["agent"],
        took["exec"],
        unit="s",
        at_most=0.5,
        against="the same checks through an exec for each fact",
        note="without one check, whose TCP states are shorter than an exec takes",
    )
    return [
        against_exec,
        bound_result("make lab-11, the first five exercises, warm", took["five"], unit="s", below=20),
        bound_result("make lab-11, all exercises, warm", took["all"], unit="s", below=60),
    ]


def from_nothing() -> Result:
    """`make lab-11` in a fresh clone: no environment, no image, no registry of images."""
    quietly(IPCLAB, "clean", "-y", "--images")
    listed = subprocess.run(["docker", "images", "-q", "ipclab/base"], capture_output=True, text=True)
    for image in sorted(set(listed.stdout.split())):
        quietly("docker", "rmi", "-f", image)
    with tempfile.TemporaryDirectory() as folder:
        quietly("git", "clone", "-q", str(ROOT), folder)
        plain = {
            key: value for key, value in os.environ.items() if not key.startswith(("VIRTUAL_ENV", "MAKE", "MFLAGS"))
        }
        took = seconds(lambda: quietly("make", "lab-11", cwd=Path(folder), environment=plain))
        quietly("make", "down-11", cwd=Path(folder), environment=plain)
    return bound_result("make lab-11 from nothing", took, unit="s", below=180)


def machine() -> str:
    """What it was measured on."""
    info = DockerEngine.connect().info()
    return f"{info.cpus} processors, Linux {platform.release()}, Engine {info.version}, {info.storage_driver}."


def main() -> None:
    """Measure everything, or all but the slow start from nothing."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=")
    parser.add_argument("--quick", action="store_true", help="leave the start from nothing out")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    results = [*one_fact(), *going_up(arguments.rounds), up_when_up(), *checking(3), *bandwidth(NAME, rounds=9)]
    quietly(IPCLAB, "down", "lab-11", "--instance", NAME.instance)
    if not arguments.quick:
        results.append(from_nothing())
    write(results, machine(), ROOT)
    print(table(results))
    sys.exit(0 if all(one.met for one in results) else 1)


if __name__ == "__main__":
    main()
