"""Each exercise proves itself: its reference passes all, its starter nothing, wrong solutions fail as declared.

A run judges some of the known-wrong solutions of each exercise: its seed chooses them, and all random values. `make test`
takes the seed from the commit, so that a commit that was green stays green. `--every-case`, which is `make prove`, judges all.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.checks.plugin import stages_of
from orchestrator.grade.proof import unfailed
from orchestrator.spec.load import load_lab
from tests.e2e.matrix import chosen

ROOT = Path(__file__).parent.parent.parent
LABS = sorted(path.parent for path in (ROOT / "labs").glob("*/lab.yaml"))
SIDE_BY_SIDE = 4
"""Processes, each with an instance of its own: a case sleeps for two thirds of its time (2.9 s, on 2 processors)."""
WRONG = 2
"""Known-wrong solutions of each exercise in a run that does not judge all."""

pytestmark = [pytest.mark.docker, pytest.mark.timeout(3600)]


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        seed, wrong = choice(metafunc.config)
        found = [(lab.name, case.title) for lab in LABS for case in chosen(load_lab(lab), seed, wrong)]
        metafunc.parametrize(("lab", "name"), [pytest.param(*one, id="-".join(one)) for one in found])


def choice(config):
    """The seed of the run, and how many of the known-wrong solutions of an exercise it judges."""
    return stages_of(config).seed, None if config.getoption("every_case") else WRONG


@pytest.fixture(scope="module")
def findings(request):
    """Lab to what was judged to what was found."""
    return {lab.name: judged(lab, *choice(request.config)) for lab in LABS}


def judged(lab, seed, wrong):
    matrix = [sys.executable, "-m", "tests.e2e.matrix", str(lab), "--seed", seed]
    matrix += [] if wrong is None else ["--wrong", str(wrong)]
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


def test_checks_fail_where_the_author_says_and_nowhere_else(findings, lab, name):
    assert findings[lab][name]["complaints"] == []


def test_every_check_is_failed_by_some_known_wrong_solution(findings):
    for lab in LABS:
        for name, exercise in load_lab(lab).exercises.items():
            graded = findings[lab.name][f"{name}/reference"]["graded"]
            assert unfailed(exercise, graded) == [], f"no wrong solution fails these of {name}"
            assert len(graded) >= 6
            assert len(exercise.exercise.wrong) >= 5
