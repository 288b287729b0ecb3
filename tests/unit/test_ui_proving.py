"""Which cases a proof is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import UsageError
from orchestrator.labels import InstanceName
from orchestrator.spec.load import LabDefinition, load_lab
from orchestrator.ui.proving import Wanted

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def two() -> LabDefinition:
    return load_lab(ROOT / "labs/lab-11", only=["fifo", "tcp"])


def titles(lab: LabDefinition, only: str) -> list[str]:
    return [case.title for case in Wanted(InstanceName("lab-11"), only).cases(lab)]


def test_a_pattern_chooses_as_in_a_shell(two: LabDefinition) -> None:
    assert titles(two, "*/reference") == ["fifo/reference", "tcp/reference"]
    assert set(titles(two, "*")) > {"fifo/starter", "tcp/starter"}
    assert all(title.startswith("fifo/wrong/") for title in titles(two, "fifo/wrong/*"))


@pytest.mark.parametrize(
    ("only", "fix"),
    [
        ("tcp/refrence", "Did you mean `tcp/reference`?"),
        ("fifo/startr", "Did you mean `fifo/starter`?"),
        ("tpc/reference", "Did you mean `tcp/reference`?"),
        ("0", "Cases are called as fifo/reference is."),
    ],
)
def test_one_that_fits_nothing_is_told_what_would(two: LabDefinition, only: str, fix: str) -> None:
    with pytest.raises(UsageError) as error:
        titles(two, only)
    assert error.value.fix == fix
