"""The model of `exercise.yaml`: programs, parameters, the places without the channel, known-wrong solutions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from orchestrator.spec.lab import Grant, Part
from orchestrator.spec.names import (
    ALPHABET,
    PASSAGE,
    PREFIX,
    Library,
    Name,
    ParameterName,
    Place,
    ProgramName,
    Source,
)
from orchestrator.spec.quantity import Count, Duration


class Program(Part):
    """An executable built from declared sources, run in a declared container."""

    sources: tuple[Source, ...] = Field(min_length=1, description="C files (and headers) that a submission brings")
    given: tuple[Source, ...] = Field(
        default=(),
        description="C files (and headers) of the exercise's own folder compiled with these; students get them",
    )
    container: Place = Field(description="HOST/CONTAINER")
    args: tuple[str, ...] = Field(default=(), description="Templates: {parameter}, {host.ipv4}, {host.ipv6}")
    libraries: tuple[Library, ...] = Field(default=(), description="Linked with -l")
    grants: tuple[Grant, ...] = Field(
        default=(), description="Capabilities (capabilities(7)) that it has; its container must list them, too"
    )
    timeout: Duration = Field(5.0, description="The longest a run may take unless a check says otherwise")


class KeyParameter(Part):
    """A System V key: a random int that no object on the hosts uses."""

    kind: Literal["key"]


class IntegerParameter(Part):
    """A random whole number from `min` to `max`, both included."""

    kind: Literal["integer"]
    min: Count = Field(0, ge=-(2**63), le=2**63 - 1, description="The smallest value")
    max: Count = Field(ge=-(2**63), le=2**63 - 1, description="The largest value")


class TextParameter(Part):
    """Random printable ASCII text of `min` to `max` characters."""

    kind: Literal["text"]
    min: Count = Field(8, ge=1, le=65536, description="The fewest characters")
    max: Count = Field(40, ge=1, le=65536, description="The most characters")
    alphabet: str = Field(
        "abcdefghijklmnopqrstuvwxyz0123456789", min_length=1, pattern=ALPHABET, description="Of these"
    )


class NameParameter(Part):
    """A random name after `prefix`: `/shm-` for POSIX objects, `/ipc/fifo-` for files."""

    kind: Literal["name"]
    prefix: str = Field(min_length=1, max_length=64, pattern=PREFIX, description="What each name begins with")


class PortParameter(Part):
    """A random port from 20000 to 29999 whose two bytes differ (a forgotten htons() shows), and no recent one."""

    kind: Literal["port"]


class ChoiceParameter(Part):
    """One of `values`."""

    kind: Literal["choice"]
    values: tuple[str, ...] = Field(min_length=1, description="The texts to choose from")


Parameter = Annotated[
    KeyParameter | IntegerParameter | TextParameter | NameParameter | PortParameter | ChoiceParameter,
    Field(discriminator="kind"),
]


class Change(Part):
    """A passage of the reference and what stands there in a known-wrong solution."""

    file: Source = Field(description="The file of solution/")
    replace: str = Field(
        min_length=1,
        pattern=PASSAGE,
        description="The passage, there exactly once; white space at the ends of lines does not count",
    )
    by: str = Field(description="What stands in its place; nothing removes it")


class Wrong(Part):
    """A known-wrong solution: changes of the reference, or files in `wrong/NAME/` laid over it, and what must fail."""

    summary: str = Field(min_length=1, description="What it does wrong, in a sentence")
    fails: tuple[str, ...] = Field(min_length=1, description="Names of the check functions that fail, no others")
    changes: tuple[Change, ...] = Field(
        default=(), description="What differs from the reference; none when wrong/NAME/ holds whole files"
    )


class Exercise(Part):
    """An `exercise.yaml`."""

    title: str = Field(min_length=1, max_length=120, description="What it is called, on one line")
    topic: str = Field(min_length=1, max_length=60, description="What it teaches, in a few words")
    summary: str = Field("", description="What its programs do, in a few sentences")
    programs: dict[ProgramName, Program] = Field(min_length=1, description="The executables of a submission, by name")
    parameters: dict[ParameterName, Parameter] = Field(
        default_factory=dict, description="Values that differ in each run, by name"
    )
    ablation: dict[ProgramName, Place] = Field(
        default_factory=dict, description="Where programs run when the channel is removed"
    )
    deadline: Duration = Field(
        120.0,
        description="The longest all checks of a submission may take together; those that are left then are blocked",
    )
    hints: tuple[str, ...] = Field(
        default=(),
        description="What `ipclab hint` shows, one more each time: from a question to a pointer, no solution",
    )
    wrong: dict[Name, Wrong] = Field(default_factory=dict, description="Known-wrong solutions, by name")
