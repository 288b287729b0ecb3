"""Prove the exercises of a lab in one process, and print what was found as JSON.

    python -m tests.e2e.matrix labs/lab-11 --instance NAME --seed SEED --wrong 3 --part 0/3
    python -m tests.e2e.matrix labs/lab-11 --instance NAME --only '*/reference' --runs 50

A program of its own so that several run side by side, each in an instance of its own: most of the time they wait for
programs that hang. `tests/e2e/test_exercises.py` reads what they print.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.checks.stage import Live
from orchestrator.grade.proof import Case, cases, prove
from orchestrator.spec.load import LabDefinition, load_lab

ANOTHER = Path(__file__).parent.parent / "solutions"
"""LAB/EXERCISE/: solutions by somebody who had the brief and nothing else."""


def chosen(definition: LabDefinition, seed: str, wrong: int | None) -> Iterator[Case]:
    """All cases of a lab; of the known-wrong solutions of each exercise only so many, which the seed chooses."""
    every = list(cases(definition, ANOTHER))
    for name in definition.exercises:
        ours = [case for case in every if case.exercise == name]
        mistakes = [case for case in ours if case.name.startswith("wrong/")]
        some = (
            mistakes if wrong is None else random.Random(f"{seed} {name}").sample(mistakes, min(wrong, len(mistakes)))
        )
        yield from (case for case in ours if case not in mistakes or case in some)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("lab", type=Path)
    parser.add_argument("--instance", required=True)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--seed", default="")
    parser.add_argument("--wrong", type=int, help="known-wrong solutions of each exercise; default: all")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="as in a shell: 'fifo/*', '*/reference'")
    parser.add_argument("--runs", type=int, default=1, help="each with other random values")
    arguments = parser.parse_args()
    part, parts = map(int, arguments.part.split("/"))
    exercise = arguments.only.partition("/")[0]
    definition = load_lab(arguments.lab, only=None if "*" in exercise else [exercise])
    every = chosen(definition, arguments.seed, arguments.wrong)
    wanted = [case for case in every if fnmatch.fnmatch(case.title, arguments.only)][part::parts]
    live = Live()
    findings: dict[str, dict[str, Any]] = {}
    try:
        for turn in range(arguments.runs):
            seed = f"{arguments.seed} {turn}".strip() if arguments.runs > 1 else arguments.seed
            for case in wanted:
                found = prove(case, definition, arguments.instance, seed, live)
                complaints = [*findings.get(case.title, {}).get("complaints", []), *found.complaints()]
                findings[case.title] = {
                    "complaints": complaints, "graded": found.graded, "duration_s": found.duration_s
                }  # fmt: skip
                wrong = "; ".join(found.complaints())
                print(case.title, list(found.failed), f"WRONG: {wrong}" if wrong else "", file=sys.stderr, flush=True)
    finally:
        live.close(down=True)
    json.dump(findings, sys.stdout)


if __name__ == "__main__":
    main()
