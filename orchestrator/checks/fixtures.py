"""The fixtures that a test author sees: hosts and programs from YAML, `params`, `reference`, `ablated`, `leftovers`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.agent.facts import Fact
from orchestrator.checks.backend import Host
from orchestrator.checks.build import Build
from orchestrator.checks.context import CheckContext
from orchestrator.checks.outcome import Outcome
from orchestrator.checks.parameters import Params, draw
from orchestrator.checks.peers import Installed, Script
from orchestrator.checks.programs import Program, Running
from orchestrator.checks.stash import CONTEXT, OUTCOMES, STAGE
from orchestrator.checks.stepping import Stepping, beside
from orchestrator.errors import MachineError
from orchestrator.session import PEER, ROOT, Session
from orchestrator.spec.exercise import Exercise
from orchestrator.spec.exercise import Program as ProgramModel
from orchestrator.spec.lab import Grant

if TYPE_CHECKING:
    from orchestrator.checks.stage import Stage


@dataclass(frozen=True, slots=True)
class Programs:
    """An exercise's programs by name, as attributes."""

    by_name: Mapping[str, Program]

    def __getattr__(self, name: str) -> Program:
        """A program.

        Raises:
            AttributeError: The exercise has no such program.
        """
        try:
            return self.by_name[name]
        except KeyError:
            raise AttributeError(f"no program {name!r}; there are {', '.join(self.by_name)}") from None


@dataclass(frozen=True, slots=True)
class Bench:
    """What one check works with, before pytest asks for its parts by name."""

    context: CheckContext
    exercise: Exercise
    own: Build
    peers: Build
    instrumented: Build
    """The submission's programs, built for being perturbed."""

    def host(self, name: str) -> Host:
        """A host of the lab, seen from its first container."""
        session = self.context.session
        place = f"{name}/{next(iter(session.definition.lab.hosts[name].containers))}"
        ipv4, ipv6 = (str(session.addresses.get(f"{name}.{family}", "")) for family in ("ipv4", "ipv6"))
        return Host(place, self.context.agent, ipv4, ipv6, self.context.surroundings)

    def program(self, name: str, place: str | None = None, *, peer: bool = False) -> Program:
        """The submission's program, or the reference's, where the exercise places it or at `place`."""
        model = self.exercise.programs[name]
        build, whose = (self.peers, "reference") if peer else (self.own, "")
        return Program(name, model, place or model.container, build, self.context, whose)

    def reference(self) -> Programs:
        """The reference solution's programs."""
        return Programs({name: self.program(name, peer=True) for name in self.exercise.programs})

    def perturbed(self) -> Programs:
        """The submission's programs, perturbed when they touch shared memory."""
        return Programs(
            {
                name: replace(self.program(name), build=self.instrumented, perturbed=True)
                for name in self.exercise.programs
            }
        )

    def ablated(self) -> Programs:
        """The submission's programs that have a place without the channel, there."""
        return Programs({name: self.program(name, place) for name, place in self.exercise.ablation.items()})


def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """What a check works with; afterwards its hosts are wiped and proved clean, or else made anew."""
    stage = request.node.getparent(pytest.Module).stash[STAGE]
    seed = f"{stage.seed} {request.node.nodeid.rpartition('/')[2]}"
    session = stage.session()
    # Now, while nothing of the student's runs.
    session.pace.keep()
    context = CheckContext(session, draw(stage.exercise.parameters, seed, stage.stages.live.ports), seed)
    request.node.stash[CONTEXT] = context
    yield Bench(context, stage.exercise, stage.own(), stage.peers(), stage.instrumented())
    try:
        context.clean()
    except MachineError:
        stage.renew()
        # What failed has its verdict, and the next check has other hosts: nothing is left that anybody must know of.
        if request.config.stash[OUTCOMES].get(request.node.nodeid) is not Outcome.FAILED:
            raise


def params(bench: Bench) -> Params:
    """This check's random values."""
    return bench.context.params


def reference(bench: Bench) -> Programs:
    """The same programs from the reference solution, run as another user: `reference.client.run()`."""
    # Now, while nothing of the student's runs: it could leave no room for a compiler.
    bench.peers.compile()
    return bench.reference()


def ablated(bench: Bench) -> Programs:
    """The programs moved to where the channel is absent: `ablated.client.run()`."""
    return bench.ablated()


def perturbed(bench: Bench) -> Programs:
    """The programs built to lose every race that they can lose: `perturbed.worker.run()`.

    They give the processor away at random before they touch shared memory, another way at each start; a run's `--seed`
    repeats them.
    """
    bench.instrumented.compile()
    return bench.perturbed()


def leftovers(bench: Bench) -> Callable[[], tuple[Fact, ...]]:
    """Call it for what exists now and did not when the check began: `assert not leftovers()`."""
    return bench.context.leftovers


def peer(bench: Bench, request: pytest.FixtureRequest) -> Callable[..., Program]:
    """Programs from scripts of the exercise's folder, with argument templates as in `exercise.yaml`.

    >>> raw = peer("beta/main", "raw_peer.py", "listen", "{port}").start(stdin=PIPE)

    With `root=True` it is no peer but root, with what the agent may do: to signal the submission's programs.
    """

    def program(place: str, file: str, *args: str, grants: Sequence[Grant] = (), root: bool = False) -> Program:
        script = Script(bench.context.session, request.path.parent / file, ROOT if root else PEER)
        return Program(file, _undeclared(place, args, grants), place, script, bench.context, "scripted")

    return program


def tool(bench: Bench) -> Callable[..., Program]:
    """Programs that the image has, run as the user `peer`, with argument templates as in `exercise.yaml`.

    >>> tool("alpha/right", "curl", "-s", "http://{beta.ipv4}:{port}/").run().exited(0)
    >>> tool("beta/main", "tcpdump", "-w", "-", grants=["net_raw"]).start()
    """

    def program(place: str, file: str, *args: str, grants: Sequence[Grant] = ()) -> Program:
        return Program(file, _undeclared(place, args, grants), place, Installed(), bench.context, "the system's")

    return program


def _undeclared(place: str, args: Sequence[str], grants: Sequence[Grant]) -> ProgramModel:
    """The definition of a program that no exercise.yaml has."""
    given = {"sources": ["none.c"], "container": place, "args": tuple(args), "grants": tuple(grants)}
    return ProgramModel.model_validate(given)


def stepper(bench: Bench) -> Callable[[Running], Stepping]:
    """What stops a running program right before its system calls: `stepper(listening).each_call(wake, interfere)`."""
    return lambda running: beside(running, bench.context)


def exhibit(bench: Bench, request: pytest.FixtureRequest) -> Callable[[str, bytes], Path]:
    """Keep a file that shows what the check saw; reports name it: `exhibit("screen.png", data)`."""

    def keep(name: str, data: bytes) -> Path:
        session = bench.context.session
        instance = f"{session.name.lab}.{session.name.instance}"
        folder = session.definition.root.parent.parent / ".ipclab" / "exhibits" / instance / request.path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        bench.context.exhibits.append(os.path.relpath(folder / name))
        return folder / name

    return keep


def lab(bench: Bench) -> Session:
    """The live lab: `lab.agent("alpha/left")`, `lab.addresses`."""
    return bench.context.session


def register(stage: Stage, module: pytest.Module) -> None:
    """Make the fixtures of a test file: those of every exercise, and one for each host and program of this one."""
    functions: dict[str, Callable[..., Any]] = {
        one.__name__: one
        for one in (bench, params, reference, ablated, perturbed, peer, tool, stepper, exhibit, leftovers, lab)
    }
    functions |= {name.replace("-", "_"): _of_host(name) for name in stage.definition.lab.hosts}
    functions |= {name: _of_program(name) for name in stage.exercise.programs}
    for name, function in functions.items():
        pytest.register_fixture(name=name, func=function, node=module)


def _of_host(name: str) -> Callable[[Bench], Host]:
    def host(bench: Bench) -> Host:
        return bench.host(name)

    return host


def _of_program(name: str) -> Callable[[Bench], Program]:
    def program(bench: Bench) -> Program:
        return bench.program(name)

    return program
