"""Every error that a user can meet, and whose problem it is.

    IpclabError
    ├── UsageError             2   the command line, or a name in it that does not exist
    │   └── DefinitionError    2   a lab author's file: problems with path, line and column
    ├── MachineError           3   the engine or the machine, never the student
    │   ├── EngineUnavailable  3   no engine answers
    │   ├── EngineError        3   the engine refused or failed a call
    │   │   ├── ObjectMissing  3   it knows no such container, network, volume or image
    │   │   ├── ObjectConflict 3   a name or an address is taken
    │   │   └── EngineTimeout  3   it did not answer in time
    │   ├── ImageError         3   an image could not be pulled, built or imported
    │   ├── AgentError         3   our process inside a container failed
    │   │   ├── AgentGone      3   its stream ended: killed, or its container or engine went away
    │   │   ├── AgentTimeout   3   it did not answer in time
    │   │   ├── AgentProtocol  3   what came back is not its language
    │   │   └── AgentRefused   3   it understood, and could not do what it was asked
    │   └── IntegrityError     3   a host is not what its definition says (namespaces differ, leftovers stay)
    └── InternalError         70   our bug

A failed check is not here: it is an outcome, not an error. Only `cli` prints these and exits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


class IpclabError(Exception):
    """What happened, in the reader's words, and what to do next."""

    exit_code: ClassVar[int] = 70

    def __init__(self, what: str, *, fix: str = "") -> None:
        """Keep the sentence that says what happened and, if known, the one that says what to do."""
        super().__init__(what)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        """Both sentences, for a terminal."""
        return f"{self.what}\n{self.fix}" if self.fix else self.what


class UsageError(IpclabError):
    """The command line is wrong, or names something that does not exist."""

    exit_code = 2


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a lab author's file. Lines and columns count from 1; 0 when there is no place."""

    path: str
    line: int
    column: int
    what: str
    fix: str = ""

    def __str__(self) -> str:
        """`path:line:column: what, and what to do`."""
        text = f"{self.path}:{self.line}:{self.column}: {self.what}"
        return f"{text}; {self.fix}" if self.fix else text


class DefinitionError(UsageError):
    """A lab's files are wrong; carries all the problems at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Keep the problems, sorted by place."""
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class MachineError(IpclabError):
    """The engine or the machine failed; never charged to a student."""

    exit_code = 3


class EngineUnavailable(MachineError):
    """No container engine answers."""


class EngineError(MachineError):
    """The engine refused a call or failed in it."""


class ObjectMissing(EngineError):
    """The engine knows no such container, network, volume or image."""


class ObjectConflict(EngineError):
    """A name, an address or a state is in the way."""


class EngineTimeout(EngineError):
    """The engine did not answer in time."""


class ImageError(MachineError):
    """An image could not be pulled, built or imported."""


class AgentError(MachineError):
    """Our process inside a container failed, or could not do what it was asked."""


class AgentGone(AgentError):
    """The agent's stream ended."""


class AgentTimeout(AgentError):
    """The agent did not answer in time."""


class AgentProtocol(AgentError):
    """What came over the agent's stream is not its language."""


class AgentRefused(AgentError):
    """The agent could not do what it was asked; it goes on working."""

    def __init__(self, what: str, *, kind: str, answer: Mapping[str, Any], fix: str = "") -> None:
        """Keep the sentence, the kind (`usage`, `missing`, `limit`, `os`, `timeout`), and the whole answer."""
        super().__init__(what, fix=fix)
        self.kind = kind
        self.answer = answer


class IntegrityError(MachineError):
    """A host is not what its definition says."""


class InternalError(IpclabError):
    """Our bug."""
