"""A lab's definition from its folder: every file read, every rule applied, every mistake reported at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import DefinitionError, Problem, UsageError
from orchestrator.labels import NAME
from orchestrator.spec import document, folder_rules, host_rules, network_rules
from orchestrator.spec.document import Document
from orchestrator.spec.lab import Lab
from orchestrator.spec.shape import shape
from orchestrator.spec.suggest import did_you_mean

if TYPE_CHECKING:  # models of exercises cost time that `ipclab up` need not spend
    from orchestrator.spec.exercise import Exercise, Wrong

MAX_PROBLEMS = 100
"""Of one file; nobody reads more before mending these."""


@dataclass(frozen=True, slots=True)
class ExerciseDefinition:
    """An exercise: a folder in a lab."""

    folder: Path
    name: str
    exercise: Exercise

    @property
    def test_file(self) -> Path:
        """Its checks."""
        return self.folder / folder_rules.test_file_name(self.name)

    def wrong(self, name: str) -> Wrong:
        """A known-wrong solution of it.

        Raises:
            UsageError: There is none of that name.
        """
        known = self.exercise.wrong
        if name not in known:
            fix = did_you_mean(name, known, none="it has none")
            raise UsageError(f"{self.name} has no known-wrong solution {name!r}", fix=f"{fix[0].upper()}{fix[1:]}")
        return known[name]


@dataclass(frozen=True, slots=True)
class LabDefinition:
    """A lab, its files read and found right."""

    root: Path
    """Its folder, absolute."""
    name: str
    lab: Lab
    exercises: Mapping[str, ExerciseDefinition] = field(default_factory=dict)
    """By name, in teaching order."""


def load_lab(folder: Path, *, only: Collection[str] | None = None) -> LabDefinition:
    """The lab in `folder` with its exercises but no drafts; with `only` just these are read, drafts or not.

    Raises:
        DefinitionError: With all problems of all files that were read, as `path:line:column`.
        UsageError: `only` names an exercise that the lab does not have.
    """
    root, source, lab, problems = _lab(folder)
    if only is None:
        problems += _first(problems, folder_rules.lab_problems(source, folder))
    exercises = {}
    for name in _chosen(folder, source, only):
        exercise, found = _exercise(folder / name, source)
        problems += found
        if exercise is not None:
            exercises[name] = ExerciseDefinition(root / name, name, exercise)
    if problems or lab is None:
        raise DefinitionError(problems)
    return LabDefinition(root, root.name, lab, {name: exercises[name] for name in lab.known if name in exercises})


def load_lab_only(folder: Path) -> LabDefinition:
    """The lab in `folder` without its exercises, which are not even read: enough to bring its hosts up.

    Raises:
        DefinitionError: With all problems of its lab.yaml.
    """
    root, _, lab, problems = _lab(folder)
    if problems or lab is None:
        raise DefinitionError(problems)
    return LabDefinition(root, root.name, lab)


def _chosen(folder: Path, lab: Document, only: Collection[str] | None) -> tuple[str, ...]:
    """The exercises to read: those that are there and no drafts, or those of `only`.

    Raises:
        UsageError: The lab does not name one of `only`.
    """
    drafts = [name for _, name in lab.texts_at(("drafts",))]
    if only is None:
        return tuple(name for name in folder_rules.exercise_folders(folder) if name not in drafts)
    named = [*(name for _, name in lab.texts_at(("exercises",))), *drafts]
    for name in only:
        if name not in named and isinstance(lab.data, dict):
            fix = did_you_mean(name, named, none="it has none")
            raise UsageError(f"{folder.name} has no exercise {name!r}", fix=f"{fix[0].upper()}{fix[1:]}")
    return tuple(name for name in dict.fromkeys(named) if name in only)


def _lab(folder: Path) -> tuple[Path, Document, Lab | None, list[Problem]]:
    root = folder.resolve() if folder.name in ("", "..") else folder.absolute()
    source = document.read(folder / "lab.yaml")
    shaped = shape(Lab, source)
    return root, source, shaped.model, _first((), source.problems, shaped.problems, _rules(root, shaped.model, source))


def _rules(root: Path, lab: Lab | None, source: Document) -> Iterator[Problem]:
    if not NAME.fullmatch(root.name) or len(root.name) > 32:
        fix = "a lab's folder has a name such as lab-11: lower-case letters, digits and single hyphens"
        yield Problem(str(Path(source.path).parent), 1, 1, f"`{root.name}` can't be the name of a lab", fix)
    if lab is not None:
        yield from network_rules.problems(lab, source)
        yield from host_rules.problems(lab, source, root.parent.parent / "images")


def _exercise(folder: Path, lab: Document) -> tuple[Exercise | None, list[Problem]]:
    from orchestrator.spec import exercise_rules
    from orchestrator.spec.exercise import Exercise

    source = document.read(folder / "exercise.yaml")
    shaped = shape(Exercise, source)
    exercise, found = shaped.model, _first((), source.problems, shaped.problems)
    if exercise is not None:
        found += _first(found, exercise_rules.problems(exercise, source, lab))
        found += _first(found, folder_rules.exercise_problems(exercise, source, folder))
    return exercise, found


def _first(before: Iterable[Problem], *stages: Iterable[Problem]) -> list[Problem]:
    """The problems of the stages that are new: where one stage found something wrong, later ones are misled."""
    found: list[Problem] = []
    spoken_for = {_place(problem) for problem in before}
    for stage in stages:
        new = list(islice((problem for problem in stage if _place(problem) not in spoken_for), MAX_PROBLEMS + 1))
        if len(new) > MAX_PROBLEMS:
            new[-1] = replace(new[-1], what="there is more to mend than is shown here", fix="begin with the rest")
        found += new
        spoken_for |= {_place(problem) for problem in new}
    return found


def _place(problem: Problem) -> tuple[str, int, int]:
    return problem.path, problem.line, problem.column
