"""Judge starters, references, other solutions and every known-wrong one of a lab in one process; print what failed.

    python -m tests.e2e.matrix labs/lab-11 --instance NAME --part 0/3

A program of its own so that several run side by side, each in an instance of its own: most of the time they wait for
programs that hang. `tests/e2e/test_exercises.py` reads what they print.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from orchestrator.checks.outcome import Outcome
from orchestrator.checks.stage import Live
from orchestrator.grade.run import Request, run
from orchestrator.spec.load import LabDefinition, load_lab

ANOTHER = Path(__file__).parent.parent / "solutions"
"""LAB/EXERCISE/: solutions by somebody who had the brief and nothing else."""


def requests(definition: LabDefinition, instance: str, seed: str) -> list[tuple[str, Request]]:
    """What there is to judge, by name: `fifo/reference`, `fifo/another`, `fifo/starter`, `fifo/wrong/NAME`."""
    found = []
    others = ANOTHER / definition.name
    for name, exercise in definition.exercises.items():
        common = (definition, (name,), instance)
        found.append((f"{name}/reference", Request(*common, reference=True, seed=f"{seed} {name}")))
        found.append((f"{name}/starter", Request(*common, starter=True, seed=f"{seed} {name} starter")))
        if (others / name).is_dir():
            found.append((f"{name}/another", Request(*common, submission=others, seed=f"{seed} {name} another")))
        for wrong in exercise.exercise.wrong:
            found.append(
                (f"{name}/wrong/{wrong}", Request(*common, wrong=f"{name}/{wrong}", seed=f"{seed} {name} {wrong}"))
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("lab", type=Path)
    parser.add_argument("--instance", required=True)
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--seed", default="")
    parser.add_argument("--only", default="", help="an exercise, or `EXERCISE/` and a prefix of what to judge")
    arguments = parser.parse_args()
    part, parts = map(int, arguments.part.split("/"))
    only = arguments.only.partition("/")[0]
    definition = load_lab(arguments.lab, only=[only] if only else None)
    live = Live()
    outcomes: dict[str, dict[str, list[str]]] = {}
    wanted = [
        one for one in requests(definition, arguments.instance, arguments.seed) if one[0].startswith(arguments.only)
    ]
    try:
        for name, request in wanted[part::parts]:
            record = run(request, lambda verdict: None, live)
            outcomes[name] = {
                outcome: [verdict.check for verdict in record.verdicts if verdict.outcome is outcome]
                for outcome in Outcome
            }
            print(name, outcomes[name][Outcome.FAILED], file=sys.stderr, flush=True)
    finally:
        live.close(down=True)
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()
