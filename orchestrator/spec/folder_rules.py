"""What must hold between the definitions and the files beside them: sources, solutions, briefs, test files, folders."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.display import printable
from orchestrator.errors import Problem
from orchestrator.spec.changes import changed
from orchestrator.spec.document import Document
from orchestrator.spec.refusal import Refused
from orchestrator.spec.suggest import did_you_mean
from orchestrator.spec.tree import DataPath

if TYPE_CHECKING:  # not needed where only the lab is read
    from orchestrator.spec.exercise import Exercise, Wrong

COMPILES = "compiles"
"""The check that every exercise has without writing it."""
_KINDS = ("solution", "starter")
_MAX_ENTRIES = 1000


def lab_problems(document: Document, folder: Path) -> Iterator[Problem]:
    """All problems between lab.yaml and the exercises' folders."""
    yield from _file(folder / "README.md", "the student's handout is missing")
    present = exercise_folders(folder)
    yield from _repeats(("exercises",), "exercise", document)
    yield from _repeats(("drafts",), "draft", document)
    listed = list(document.texts_at(("exercises",)))
    drafts = list(document.texts_at(("drafts",)))
    named = [name for _, name in (*listed, *drafts)]
    for path, name in (*listed, *drafts):
        if name not in present:
            unnamed = [other for other in present if other not in named]
            fix = did_you_mean(name, unnamed, none="write it, or take it off the list")
            yield document.problem(path, f"there is no {name}/exercise.yaml", fix)
    for path, name in drafts:
        if name in (other for _, other in listed):
            yield document.problem(
                path, f"the draft `{name}` is in `exercises`, too", "take it off one of the two lists"
            )
    for name in present:
        if name not in named and isinstance(document.data, dict):
            what = f"the exercise `{name}` is in the folder, and `exercises` does not name it"
            yield document.problem(("exercises",), what, "add it, to `drafts` while it is being written", at_key=True)


def exercise_folders(folder: Path) -> tuple[str, ...]:
    """The names of the folders that hold an exercise.yaml, sorted."""
    return tuple(sorted(path.parent.name for path in islice(folder.glob("*/exercise.yaml"), _MAX_ENTRIES)))


def test_file_name(exercise: str) -> str:
    """The name of an exercise's test file: `sysv-shm` has `test_sysv_shm.py`."""
    return f"test_{exercise.replace('-', '_')}.py"


def exercise_problems(exercise: Exercise, document: Document, folder: Path) -> Iterator[Problem]:
    """All problems between an exercise.yaml and the files beside it."""
    yield from _file(folder / "README.md", "the brief is missing")
    missing = list(_missing_sources(document, folder))
    yield from missing
    yield from _sources(document)
    yield from _wrong(exercise, document, folder)
    if not missing:  # else a mistyped source would make a stray of every file that it means
        yield from _strays(exercise, document, folder)
    yield from _checks(exercise, document, folder)


def _repeats(path: DataPath, what: str, document: Document) -> Iterator[Problem]:
    for place, text in document.repeats_at(path):
        yield document.problem(place, f"the {what} `{text}` is there twice", "remove one of the two")


def _file(path: Path, what: str) -> Iterator[Problem]:
    if not path.is_file():
        yield Problem(str(path), 1, 1, what, "write this file")


def _sources(document: Document) -> Iterator[Problem]:
    for name in document.keys_at(("programs",)):
        path: DataPath = ("programs", name, "sources")
        yield from _repeats(path, "source", document)
        sources = [source for _, source in document.texts_at(path)]
        if sources and all(source.endswith(".h") for source in sources):
            yield document.problem(path, f"`{name}` has headers only, and nothing to compile", "name its .c file")


def _missing_sources(document: Document, folder: Path) -> Iterator[Problem]:
    there = {kind: _c_files(folder / kind) for kind in _KINDS}
    for name in document.keys_at(("programs",)):
        for place, source in document.texts_at(("programs", name, "sources")):
            for kind in _KINDS:
                if source not in there[kind]:
                    fix = did_you_mean(source, there[kind], none="write it")
                    yield document.problem(place, f"there is no {kind}/{printable(source)}", fix)
        for place, source in document.texts_at(("programs", name, "given")):
            if source not in _c_files(folder):
                fix = did_you_mean(source, _c_files(folder), none="write it")
                yield document.problem(place, f"there is no {printable(source)} beside exercise.yaml", fix)


def _strays(exercise: Exercise, document: Document, folder: Path) -> Iterator[Problem]:
    """C files that no program is built from: a mistyped name, or a file that a submission could not bring either."""
    declared = sorted({source for program in exercise.programs.values() for source in program.sources})
    if len(exercise.programs) < len(document.keys_at(("programs",))):
        return  # a program is wrong elsewhere, and its sources are not known
    places: list[tuple[str, DataPath]] = [(kind, ("programs",)) for kind in _KINDS]
    places += [(f"wrong/{name}", ("wrong", name)) for name in exercise.wrong]
    for kind, path in places:
        for name in _c_files(folder / kind):
            if name not in declared:
                what = f"{kind}/{name} is in the `sources` of no program"
                yield document.problem(path, what, did_you_mean(name, declared), at_key=True)


def _c_files(folder: Path) -> tuple[str, ...]:
    found = (path for path in folder.glob("*") if path.suffix in (".c", ".h") and path.is_file())
    return tuple(sorted(path.name for path in islice(found, _MAX_ENTRIES)))


def _wrong(exercise: Exercise, document: Document, folder: Path) -> Iterator[Problem]:
    present = sorted(path.name for path in islice((folder / "wrong").glob("*"), _MAX_ENTRIES) if path.is_dir())
    declared = document.keys_at(("wrong",))
    for name, wrong in exercise.wrong.items():
        path: DataPath = ("wrong", name)
        if wrong.changes:
            yield from _changes(wrong, path, document, folder)
        if name in present and not _c_files(folder / "wrong" / name):
            what = f"wrong/{name} has no C file, so it is the reference solution"
            yield document.problem(path, what, "put the files there that differ", at_key=True)
        elif name not in present and not wrong.changes:
            none = "tell its `changes`, or write the files that differ"
            fix = did_you_mean(name, [at for at in present if at not in declared], none=none)
            yield document.problem(path, f"there is no folder wrong/{name}", fix, at_key=True)
    for name in present:
        if name not in declared:
            fix = "say what it does wrong and which checks fail, or remove the folder"
            yield document.problem(("wrong",), f"`wrong` does not name the folder wrong/{name}", fix, at_key=True)


def _changes(wrong: Wrong, path: DataPath, document: Document, folder: Path) -> Iterator[Problem]:
    """What is wrong with the changes of one known-wrong solution, each tried on what those before it left."""
    own, reference = folder / "wrong" / str(path[-1]), folder / "solution"
    texts: dict[str, str] = {}
    for number, change in enumerate(wrong.changes):
        place: DataPath = (*path, "changes", number)
        if (own / change.file).is_file():
            what = f"{change.file} is in wrong/{own.name} as a whole, too"
            yield document.problem((*place, "file"), what, "remove one of the two")
        elif change.file not in _c_files(reference):
            fix = did_you_mean(change.file, _c_files(reference))
            yield document.problem((*place, "file"), f"there is no solution/{change.file}", fix)
        else:
            before = texts.get(change.file) or (reference / change.file).read_text("utf-8", "surrogateescape")
            try:
                texts[change.file] = changed(before, [change])
            except Refused as refused:
                yield document.problem((*place, "replace"), refused.what, refused.fix)
                continue
            if texts[change.file] == before:
                yield document.problem((*place, "by"), "this is what it replaces", "say what is wrong instead")


def _checks(exercise: Exercise, document: Document, folder: Path) -> Iterator[Problem]:
    path = folder / test_file_name(folder.name)
    if not path.is_file():
        yield from _file(path, "the exercise's checks are missing")
        return
    try:
        known = {*_test_functions(path), COMPILES}
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError) as error:
        line, column = getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1
        what = getattr(error, "msg", None) or type(error).__name__
        yield Problem(str(path), line, max(column, 1), f"this is not Python: {what}", "mend the test file")
        return
    for name in exercise.wrong:
        at: DataPath = ("wrong", name, "fails")
        yield from _repeats(at, "check", document)
        for place, check in document.texts_at(at):
            if check not in known:
                yield document.problem(place, f"{path.name} has no check `{check}`", did_you_mean(check, sorted(known)))


def _test_functions(path: Path) -> Iterable[str]:
    """The names of the test functions in a file, which is parsed and never imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an odd escape in a test is not the reader's business here
        tree = ast.parse(path.read_bytes())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [function.name for function in functions if function.name.startswith("test_")]
