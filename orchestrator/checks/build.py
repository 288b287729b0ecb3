"""Building programs: compiled inside a container as the untrusted user, kept where no student's process can write.

A student's process may be running while a reference is built and when it is run. Everything of a reference is
therefore its user's alone: sources, what the compiler makes on the way, and the binary, which nobody may even read.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from orchestrator.agent.client import Agent
from orchestrator.agent.process import Command, Process, Result
from orchestrator.checks.submission import SourceProblem, Submission
from orchestrator.display import printable
from orchestrator.errors import InternalError
from orchestrator.session import Session, User
from orchestrator.spec.exercise import Exercise, Program

FLAGS = ("-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-O1", "-g", "-pthread")
INSTRUMENT = ("-fsanitize=thread", "-nodefaultlibs")
RUNTIME = ("/usr/lib/ipclab/perturb.o", "-lc", "-lgcc")
"""Instead of libtsan, which comes with the default libraries."""
SECONDS = 30.0
PRIVATE = 0o077
"""The umask of a compiler: students and references have one group."""
KILLED = b"Killed signal terminated program"
"""What gcc says when its compiler was killed; nothing but a want of memory does that."""
TOO_LARGE = b"File size limit exceeded signal terminated program"
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
    folder: Path = Path()
    """The exercise's own, with what its programs are given."""
    deadline_s: float = SECONDS
    """The longest that one program may take to compile on an idle machine."""
    compiled: Mapping[str, Compiled] = field(default_factory=dict)
    instrumented: bool = False
    """Whether every access to memory calls images/lab/perturb.c."""
    installed: set[tuple[str, str]] = field(default_factory=set)
    """Which program is where already."""

    ENVIRONMENT: ClassVar[Mapping[str, str]] = {"PATH": "/usr/bin:/bin", "LANG": "C"}

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
            InternalError: It is ours, and did not compile.
        """
        made = self.compile()[program]
        if made.binary is None:
            failure = InternalError if self.user.name == "peer" else AssertionError
            raise failure(f"{program} does not compile:\n{made.messages}")
        folder = f"{self.exercise}/perturbed" if self.instrumented else self.exercise
        path = f"/build/{self.user.name}/{folder}/{program}"
        if (program, place) not in self.installed:
            self._put(self.session.agent(place), path, made.binary)
            self.installed.add((program, place))
        return path

    def _put(self, agent: Agent, path: str, binary: bytes) -> None:
        if self.user.name == "peer":
            # Nobody but its user can run a reference, and as nobody can read it, nor dump or trace it: execve(2).
            agent.put(path, binary, mode=0o100, uid=self.user.uid, gid=self.user.gid, parents=True)
        else:
            # Root's: a student's process can't change it.
            agent.put(path, binary, mode=0o755, uid=0, gid=0, parents=True)

    def _begin(self, name: str, program: Program) -> tuple[Agent, str, Process] | SourceProblem:
        try:
            brought = self.submission.sources(program)
        except SourceProblem as problem:
            return problem
        agent = self.session.agent(program.container)
        # A name that can't be told beforehand: no process has made a folder there to which it has a right.
        folder = f"/tmp/build-{secrets.token_hex(8)}"
        sources = {**brought, **{source: (self.folder / source).read_bytes() for source in program.given}}
        for source, text in sources.items():
            agent.put(f"{folder}/{source}", text, mode=0o600, uid=self.user.uid, gid=self.user.gid, parents=True)
        return agent, folder, agent.spawn(self._command(folder, name, program))

    def _command(self, folder: str, name: str, program: Program) -> Command:
        strip = ("-s",) if self.user.name == "peer" else ()
        files = [source for source in (*program.sources, *program.given) if source.endswith(".c")]
        limits = self.session.limits(program.container)
        libraries = [f"-l{library}" for library in program.libraries]
        instrument, runtime = (INSTRUMENT, RUNTIME) if self.instrumented else ((), ())
        return Command(
            argv=("gcc", *FLAGS, *instrument, *strip, "-o", f"{folder}/{name}", *files, *libraries, *runtime),
            env={**self.ENVIRONMENT, "TMPDIR": folder},
            cwd=folder,
            uid=self.user.uid,
            gid=self.user.gid,
            umask=PRIVATE,
            deadline_s=self._patience_s,
            output_cap=OUTPUT_CAP_BYTES,
            output_kill=16 * OUTPUT_CAP_BYTES,
            limits={"fsize": min(BINARY_CAP_BYTES, limits.file_bytes), "core": 0},
            name=f"gcc {name}",
        )

    def _end(self, name: str, begun: tuple[Agent, str, Process] | SourceProblem) -> Compiled:
        if isinstance(begun, SourceProblem):
            return Compiled(name, None, str(begun))
        agent, folder, process = begun
        result = process.wait(self._patience_s + 5)
        process.kill()  # a compiler that was stopped has children, which take longer to die
        binary = agent.get(f"{folder}/{name}", cap_bytes=BINARY_CAP_BYTES).data if result.ok else None
        agent.remove_tree(folder)
        return Compiled(name, binary, _messages(result, folder))

    @property
    def _patience_s(self) -> float:
        return self.deadline_s * self.session.scale


def _messages(result: Result, folder: str) -> str:
    lines = result.stderr.replace(f"{folder}/".encode(), b"").splitlines()
    first = _why_stopped(result)
    text = "\n".join([*([first] if first else []), *(printable(line, limit=500) for line in lines)])
    return text or ("" if result.ok else f"the compiler {result.describe()}")


def _why_stopped(result: Result) -> str:
    """What ended the compiler before it was done, if it was not the compiler itself."""
    if result.timed_out:
        return f"the compiler was stopped after {result.wall_s:.0f} s"
    if result.killed_for_output:
        return f"the compiler was stopped when it had printed {result.stdout_total + result.stderr_total} bytes"
    if not result.ok and KILLED in result.stderr:
        return "the compiler ran out of memory"
    return "the program would be too large" if not result.ok and TOO_LARGE in result.stderr else ""
