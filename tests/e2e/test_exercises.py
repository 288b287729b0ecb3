"""Each exercise proves itself: its reference passes all, its starter nothing, wrong solutions fail as declared."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.grade.proof import cases, unfailed
from orchestrator.spec.load import load_lab
from tests.e2e.matrix import ANOTHER

ROOT = Path(__file__).parent.parent.parent
LABS = sorted(path.parent for path in (ROOT / "labs").glob("*/lab.yaml"))
SIDE_BY_SIDE = 2
"""Processes, each with an instance of its own: as many as processors, so that no time-out is another's fault."""
SEED = "exercises"

pytestmark = [pytest.mark.docker, pytest.mark.timeout(3600)]


def declared():
    """(lab, name of what is judged)."""
    for lab in LABS:
        for case in cases(load_lab(lab), ANOTHER):
            yield lab.name, case.title


@pytest.fixture(scope="module")
def findings():
    """Lab to what was judged to what was found."""
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


@pytest.mark.parametrize(("lab", "name"), [pytest.param(*one, id="-".join(one)) for one in declared()])
def test_checks_fail_where_the_author_says_and_nowhere_else(findings, lab, name):
    assert findings[lab][name]["complaints"] == []


def test_every_check_is_failed_by_some_known_wrong_solution(findings):
    for lab in LABS:
        for name, exercise in load_lab(lab).exercises.items():
            graded = findings[lab.name][f"{name}/reference"]["graded"]
            assert unfailed(exercise, graded) == [], f"no wrong solution fails these of {name}"
            assert len(graded) >= 6
            assert len(exercise.exercise.wrong) >= 5
