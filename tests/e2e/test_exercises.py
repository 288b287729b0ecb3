"""Each exercise proves itself: its reference passes all, its starter nothing, wrong solutions fail as declared."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.spec.load import load_lab
from tests.e2e.matrix import ANOTHER

ROOT = Path(__file__).parent.parent.parent
LABS = sorted(path.parent for path in (ROOT / "labs").glob("*/lab.yaml"))
SIDE_BY_SIDE = 4
"""Processes, each with an instance of its own: they mostly wait for programs that hang."""
SEED = "exercises"

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]


def declared():
    """(lab, name of what is judged, checks that must fail or None for the reference and the starter)."""
    for lab in LABS:
        for name, exercise in load_lab(lab).exercises.items():
            yield lab.name, f"{name}/reference", ()
            yield lab.name, f"{name}/starter", None
            if (ANOTHER / lab.name / name).is_dir():
                yield lab.name, f"{name}/another", ()
            for wrong, model in exercise.exercise.wrong.items():
                yield lab.name, f"{name}/wrong/{wrong}", model.fails


@pytest.fixture(scope="module")
def outcomes():
    """Lab to what was judged to outcomes to names of checks."""
    return {lab.name: judged(lab) for lab in LABS}


def judged(lab):
    matrix = [sys.executable, "-m", "tests.e2e.matrix", str(lab), "--seed", SEED]
    commands = [
        [*matrix, "--instance", f"t-matrix-{part}", "--part", f"{part}/{SIDE_BY_SIDE}"] for part in range(SIDE_BY_SIDE)
    ]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, cwd=ROOT, **pipes) for command in commands]
    found = {}
    for process in running:
        output, errors = process.communicate()
        assert process.returncode == 0, errors[-3000:]
        found |= json.loads(output)
    return found


@pytest.mark.parametrize(("lab", "name", "fails"), [pytest.param(*one, id="-".join(one[:2])) for one in declared()])
def test_checks_fail_where_the_author_says_and_nowhere_else(outcomes, lab, name, fails):
    found = outcomes[lab][name]
    assert not found["grader error"]
    if fails is None:
        assert found["passed"] == ["compiles"], "a starter must compile and pass no check worth points"
    else:
        assert sorted(found["failed"]) == sorted(fails)
    if not fails and fails is not None:
        assert not found["blocked"]


def test_every_check_is_failed_by_some_known_wrong_solution(outcomes):
    for lab in LABS:
        for name, exercise in load_lab(lab).exercises.items():
            graded = set(outcomes[lab.name][f"{name}/reference"]["passed"]) - {"compiles"}
            caught = {check for model in exercise.exercise.wrong.values() for check in model.fails}
            assert graded <= caught, f"no wrong solution fails these of {name}"
            assert len(graded) >= 6
            assert len(exercise.exercise.wrong) >= 5
