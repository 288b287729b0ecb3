"""Building programs: compiled inside a container as the untrusted user, kept where no student's process can write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from orchestrator.agent.client import Agent
from orchestrator.agent.process import Command, Process, Result
from orchestrator.checks.submission import SourceProblem, Submission
from orchestrator.display import printable
from orchestrator.session import Session, User
from orchestrator.spec.exercise import Exercise, Program

FLAGS = ("-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-O1", "-g", "-pthread")
SECONDS = 30.0
BINARY_CAP_BYTES = 16 << 20
OUTPUT_CAP_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the compiler made of one program."""

    program: str
    binary: bytes | None
    """None when it did not compile."""
    messages: str
    """The compiler's warnings and errors, safe to print."""


@dataclass(slots=True)
class Build:
    """One exercise's programs, built once from one submission and installed where they are run."""

    session: Session
    exercise: str
    definition: Exercise
    submission: Submission
    user: User
    compiled: Mapping[str, Compiled] = field(default_factory=dict)
    _installed: set[tuple[str, str]] = field(default_factory=set)

    ENVIRONMENT: ClassVar[Mapping[str, str]] = {"PATH": "/usr/bin:/bin", "LANG": "C", "TMPDIR": "/tmp"}

    def compile(self) -> Mapping[str, Compiled]:
        """All programs of the exercise, compiled at most once, side by side."""
        if not self.compiled:
            started = {name: self._begin(name, program) for name, program in self.definition.programs.items()}
            self.compiled = {name: self._end(name, begun) for name, begun in started.items()}
        return self.compiled

    def problems(self) -> dict[str, str]:
        """Compiler messages of the programs that did not compile."""
        return {name: made.messages for name, made in self.compile().items() if made.binary is None}

    def warnings(self) -> dict[str, str]:
        """Compiler messages of the programs that compiled with warnings."""
        return {name: made.messages for name, made in self.compile().items() if made.binary and made.messages}

    def install(self, program: str, place: str) -> str:
        """The path of a built program in the container `place`, put there if it is not yet.

        Raises:
            AssertionError: It did not compile: the student's failure.
        """
        made = self.compile()[program]
        if made.binary is None:
            raise AssertionError(f"{program} does not compile:\n{made.messages}")
        path = f"/build/{self.user.name}/{self.exercise}/{program}"
        if (program, place) not in self._installed:
            # Root's: a student's process can't change it, and can't read a reference peer either.
            mode = 0o711 if self.user.name == "peer" else 0o755
            self.session.agent(place).put(path, made.binary, mode=mode, uid=0, gid=0, parents=True)
            self._installed.add((program, place))
        return path

    def _begin(self, name: str, program: Program) -> tuple[Agent, str, Process] | SourceProblem:
        try:
            sources = self.submission.sources(program)
        except SourceProblem as problem:
            return problem
        agent = self.session.agent(program.container)
        folder = f"/tmp/build-{self.user.name}-{self.exercise}-{name}"
        for source, text in sources.items():
            agent.put(f"{folder}/{source}", text, mode=0o640, uid=self.user.uid, gid=self.user.gid, parents=True)
        return agent, folder, agent.spawn(self._command(folder, name, program))

    def _command(self, folder: str, name: str, program: Program) -> Command:
        strip = ("-s",) if self.user.name == "peer" else ()
        files = [source for source in program.sources if source.endswith(".c")]
        libraries = [f"-l{library}" for library in program.libraries]
        return Command(
            argv=("gcc", *FLAGS, *strip, "-o", f"{folder}/{name}", *files, *libraries),
            env=self.ENVIRONMENT,
            cwd=folder,
            uid=self.user.uid,
            gid=self.user.gid,
            deadline_s=SECONDS,
            output_cap=OUTPUT_CAP_BYTES,
            output_kill=16 * OUTPUT_CAP_BYTES,
            limits={"fsize": BINARY_CAP_BYTES, "core": 0},
            name=f"gcc {name}",
        )

    def _end(self, name: str, begun: tuple[Agent, str, Process] | SourceProblem) -> Compiled:
        if isinstance(begun, SourceProblem):
            return Compiled(name, None, str(begun))
        agent, folder, process = begun
        result = process.wait(SECONDS + 5)
        binary = agent.get(f"{folder}/{name}", cap_bytes=BINARY_CAP_BYTES).data if result.ok else None
        agent.run(Command(("/bin/rm", "-rf", folder), uid=self.user.uid, gid=self.user.gid), SECONDS)
        return Compiled(name, binary, _messages(result, folder))


def _messages(result: Result, folder: str) -> str:
    lines = result.stderr.replace(f"{folder}/".encode(), b"").splitlines()
    text = "\n".join(printable(line, limit=500) for line in lines)
    if result.timed_out:
        return f"the compiler was stopped after {SECONDS:.0f} s\n{text}"
    if not result.ok and not text:
        return f"the compiler {result.describe()}"
    return text
