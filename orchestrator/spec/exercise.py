"""The model of `exercise.yaml`: programs, parameters, the places without the channel, known-wrong solutions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from orchestrator.spec.lab import Name, Part
from orchestrator.spec.quantity import Duration

ProgramName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=32)]
Place = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*/[a-z][a-z0-9-]*$")]
Source = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.[ch]$", max_length=64)]
ParameterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=32)]


class Program(Part):
    """An executable built from declared sources, run in a declared container."""

    sources: tuple[Source, ...] = Field(min_length=1, description="C files (and headers) that a submission brings")
    container: Place = Field(description="HOST/CONTAINER")
    args: tuple[str, ...] = Field(default=(), description="Templates: {parameter}, {host.ipv4}, {host.ipv6}")
    libraries: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9_+-]+$")], ...] = Field(
        default=(), description="Linked with -l"
    )
    timeout: Duration = Field(5.0, description="The longest a run may take unless a check says otherwise")


class KeyParameter(Part):
    """A System V key: a random int that no object on the hosts uses."""

    kind: Literal["key"]


class IntegerParameter(Part):
    """A random whole number from `min` to `max`, both included."""

    kind: Literal["integer"]
    min: int = 0
    max: int


class TextParameter(Part):
    """Random printable ASCII text of `min` to `max` characters."""

    kind: Literal["text"]
    min: int = Field(8, ge=1, le=65536)
    max: int = Field(40, ge=1, le=65536)
    alphabet: str = Field("abcdefghijklmnopqrstuvwxyz0123456789", min_length=1)


class NameParameter(Part):
    """A random name after `prefix`: `/shm-` for POSIX objects, `/ipc/fifo-` for files."""

    kind: Literal["name"]
    prefix: str = Field(min_length=1, max_length=64)


class PortParameter(Part):
    """A random port from 20000 to 29999 whose two bytes differ, so that a forgotten htons() shows."""

    kind: Literal["port"]


class ChoiceParameter(Part):
    """One of `values`."""

    kind: Literal["choice"]
    values: tuple[str, ...] = Field(min_length=1)


Parameter = Annotated[
    KeyParameter | IntegerParameter | TextParameter | NameParameter | PortParameter | ChoiceParameter,
    Field(discriminator="kind"),
]


class Wrong(Part):
    """A known-wrong solution: files in `wrong/NAME/` laid over the reference, and the checks that must fail on it."""

    summary: str = Field(min_length=1)
    fails: tuple[str, ...] = Field(min_length=1, description="Names of the check functions that fail, no others")


class Exercise(Part):
    """An `exercise.yaml`."""

    title: str = Field(min_length=1, max_length=120)
    topic: str = Field(min_length=1, max_length=60)
    summary: str = ""
    programs: dict[ProgramName, Program] = Field(min_length=1)
    parameters: dict[ParameterName, Parameter] = Field(default_factory=dict)
    ablation: dict[ProgramName, Place] = Field(
        default_factory=dict, description="Where programs run when the channel is removed"
    )
    wrong: dict[Name, Wrong] = Field(default_factory=dict)
