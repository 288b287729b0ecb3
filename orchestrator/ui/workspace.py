"""A student's workspace: `work/LAB/EXERCISE/` laid out from the starters, never over a file that is there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.errors import MachineError, UsageError
from orchestrator.spec.load import LabDefinition
from orchestrator.spec.suggest import did_you_mean
from orchestrator.workspace import give_to_student, workspace_of


def lay_out(definition: LabDefinition, exercises: Sequence[str]) -> Iterator[str]:
    """Copy what is missing; yields a line for each file.

    Raises:
        UsageError: There is no such exercise.
        MachineError: The folder can't be written.
    """
    for name in exercises:
        if name not in definition.exercises:
            raise UsageError(
                f"{definition.name} has no exercise {name!r}", fix=did_you_mean(name, definition.exercises)
            )
    root = workspace_of(definition.root)
    for name in exercises or definition.exercises:
        starter = definition.root / name / "starter"
        for source in sorted(starter.iterdir()):
            yield _copy(source, root / name / source.name)
    give_to_student(root)


def _copy(source: Path, target: Path) -> str:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # O_EXCL: two runs at once, or a file that appears meanwhile, must not cost a student any work.
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return f"kept     {target}"
    except OSError as error:
        raise MachineError(f"{target} can't be written: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(source.read_bytes())
    return f"created  {target}"
