"""`ipclab prove`: each solution of which it is known what must become of it, and what became of it instead."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from orchestrator.checks.stage import Live
from orchestrator.grade.proof import Finding, cases, prove, unfailed
from orchestrator.labels import InstanceName
from orchestrator.spec.load import LabDefinition
from orchestrator.ui.table import console, literal

NOT_PROVED = 2
"""The exit code: it is the author's to mend."""


def prove_all(definition: LabDefinition, name: InstanceName, seed: str) -> int:
    """Judge every case of the exercises in `definition`, show each as it ends; 0 when all is as declared, else 2."""
    screen = console()
    live = Live()
    findings = []
    try:
        for case in cases(definition):
            found = prove(case, definition, name.instance, seed, live)
            findings.append(found)
            complaints = list(found.complaints())
            sign = Text("✗ ", "bold red") if complaints else Text("✓ ", "green")
            screen.print(Text.assemble(sign, literal(case.title), literal(f"  {found.duration_s:.1f} s", "dim")))
            for complaint in complaints:
                what, *why = complaint.splitlines()
                screen.print(literal(f"     {what}", "red"), soft_wrap=True)
                for line in why:
                    screen.print(literal(f"       {line}", "dim"), soft_wrap=True)
            if complaints and case.fails:
                screen.print(literal(f"     fails: [{', '.join(found.failed)}]", "dim"))
    finally:
        live.close()
    useless = _useless(definition, findings)
    for line in useless:
        screen.print(literal(f"✗ {line}", "red"))
    return NOT_PROVED if useless or any(list(found.complaints()) for found in findings) else 0


def _useless(definition: LabDefinition, findings: Sequence[Finding]) -> list[str]:
    graded = {found.case.exercise: found.graded for found in findings if found.case.name == "reference"}
    return [
        f"{name}: no known-wrong solution fails {check}"
        for name, exercise in definition.exercises.items()
        for check in unfailed(exercise, graded.get(name, ()))
    ]
