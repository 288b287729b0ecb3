"""`ipclab workspace`: `work/LAB/EXERCISE/` from starters and what is given, never over a file that is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import MachineError
from orchestrator.spec.load import ExerciseDefinition, LabDefinition
from orchestrator.workspace import create, folder_in, give_to_student, prepare


def lay_out(definition: LabDefinition) -> Iterator[str]:
    """Copy what is missing of the definition's exercises; yields a line for each file.

    Raises:
        MachineError: The folder can't be written.
    """
    root = prepare(definition.root)
    for name, exercise in definition.exercises.items():
        with folder_in(root, name) as folder:
            for source in _sources(exercise):
                target = root / name / source.name
                try:
                    made = create(folder, source.name, source.read_bytes())
                except OSError as error:
                    raise MachineError(f"{target} can't be written: {error.strerror}") from error
                yield f"{'created' if made else 'kept   '}  {target}"
    give_to_student(root)


def _sources(exercise: ExerciseDefinition) -> list[Path]:
    given = {exercise.folder / name for program in exercise.exercise.programs.values() for name in program.given}
    return sorted({path for path in (exercise.folder / "starter").iterdir() if path.is_file()} | given)
