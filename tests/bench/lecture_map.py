"""Write docs/lecture-map.md: what the lecture shows, the exercise for it, and figures of each, measured now.

python -m tests.bench.lecture_map [--runs 3]
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from pathlib import Path

from orchestrator.checks.stage import Live
from orchestrator.grade.proof import Case, prove
from orchestrator.spec.find import lab_names
from orchestrator.spec.load import ExerciseDefinition, LabDefinition, load_lab

ROOT = Path(__file__).parent.parent.parent
INSTANCE = "map"
BAR = "\\|"
"""One that is text, in a table of Markdown."""
HEAD = """\
# The lecture and its exercises

Each topic of the lecture on inter-process communication, and the exercise in which one does it. The order is the
lecture's; exercises do not depend on each other. Written by `python -m tests.bench.lecture_map`; the time is the median
of {runs} runs of all checks with the reference solution, on hosts that are up.

| topic | lab | exercise | what is built | checks | points | known-wrong | lines of C | time |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def rows(definition: LabDefinition, runs: int, live: Live) -> Iterator[str]:
    """A line of the table for each exercise."""
    for name, exercise in definition.exercises.items():
        case = Case(name, "reference", (), (("reference", True),))
        found = [prove(case, definition, INSTANCE, "", live) for _ in range(runs)]
        took_s = statistics.median(one.duration_s for one in found)
        model = exercise.exercise
        link = f"[{name}](../labs/{definition.name}/{name}/README.md)"
        what = " ".join(model.summary.split()).partition(". ")[0].rstrip(".")
        cells = [model.topic, definition.name, link, what, str(len(found[0].graded)), str(found[0].max_points)]
        cells += [str(len(model.wrong)), str(lines(exercise)), f"{took_s:.1f} s"]
        yield f"| {' | '.join(cell.replace('|', BAR) for cell in cells)} |"


def lines(exercise: ExerciseDefinition) -> int:
    """Of the reference, blank ones left out."""
    files = [path for path in (exercise.folder / "solution").iterdir() if path.suffix in (".c", ".h")]
    return sum(bool(line.strip()) for path in files for line in path.read_text().splitlines())


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    live, table = Live(), []
    try:
        for name in lab_names(ROOT / "labs"):
            table += rows(load_lab(ROOT / "labs" / name), runs, live)
    finally:
        live.close(down=True)
    (ROOT / "docs" / "lecture-map.md").write_text(HEAD.format(runs=runs) + "\n".join(table) + "\n")


if __name__ == "__main__":
    main()
