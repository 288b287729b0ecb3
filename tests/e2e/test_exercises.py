"""Each exercise proves itself: its reference passes all, its starter nothing, wrong solutions fail as declared.

A run judges some of the known-wrong solutions of each exercise: its seed chooses them, and all random values. `make
test` takes the seed from what labs/ has in the commit: what was green stays green. `make prove` judges all, each time
anew.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from orchestrator import lifecycle
from orchestrator.checks.plugin import stages_of
from orchestrator.grade.proof import cases, unfailed
from orchestrator.grade.provers import Turn, prove_all
from orchestrator.labels import InstanceName
from orchestrator.spec.load import load_lab

ROOT = Path(__file__).parent.parent.parent
LABS = sorted(path.parent for path in (ROOT / "labs").glob("*/lab.yaml"))
ANOTHER = ROOT / "tests/solutions"
"""LAB/EXERCISE/: solutions by somebody who had the brief and nothing else."""
WRONG = 2
"""Known-wrong solutions of each exercise that a run judges."""

pytestmark = [pytest.mark.docker, pytest.mark.timeout(3600)]


def pytest_generate_tests(metafunc):
    if "title" in metafunc.fixturenames:
        seed = stages_of(metafunc.config).seed
        found = [(lab.name, case.title) for lab in LABS for case in chosen(load_lab(lab), seed)]
        metafunc.parametrize(("lab", "title"), [pytest.param(*one, id="-".join(one)) for one in found])


def chosen(definition, seed):
    """All cases of a lab, but of the known-wrong solutions of each exercise only some, which the seed chooses."""
    every = list(cases(definition, ANOTHER))
    for name in definition.exercises:
        ours = [case for case in every if case.exercise == name]
        mistakes = [case for case in ours if case.name.startswith("wrong/")]
        some = random.Random(f"{seed} {name}").sample(mistakes, min(WRONG, len(mistakes)))
        yield from (case for case in ours if case not in mistakes or case in some)


@pytest.fixture(scope="module")
def findings(request):
    """Lab to title to what was found."""
    return {lab.name: judged(load_lab(lab), stages_of(request.config).seed) for lab in LABS}


def judged(definition, seed):
    name = InstanceName(definition.name, "t-proof")
    found = {}
    try:
        turns = [Turn(case, 0, seed) for case in chosen(definition, seed)]
        prove_all(definition, name, turns, lambda turn, finding: found.update({turn.case.title: finding}))
    finally:
        lifecycle.take_down([name])
    return found


def test_checks_fail_where_the_author_says_and_nowhere_else(findings, lab, title):
    assert list(findings[lab][title].complaints()) == []


def test_every_check_is_failed_by_some_known_wrong_solution(findings):
    for lab in LABS:
        for name, exercise in load_lab(lab).exercises.items():
            graded = findings[lab.name][f"{name}/reference"].graded
            assert unfailed(exercise, graded) == [], f"no wrong solution fails these of {name}"
            assert len(graded) >= 6
            assert len(exercise.exercise.wrong) >= 5
