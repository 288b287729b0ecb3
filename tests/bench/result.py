"""What a measurement found, and the table and files that results go into."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Result:
    """One figure. `ratio` is value / reference where there is a reference."""

    name: str
    value: float
    unit: str
    reference: float | None
    ratio: float | None
    bar: str
    met: bool
    against: str = ""
    note: str = ""


def ratio_result(
    name: str, value: float, reference: float, *, unit: str, at_most: float, against: str, note: str = ""
) -> Result:
    """A figure that must be at most `at_most` times its reference."""
    ratio = value / reference
    return Result(name, value, unit, reference, ratio, f"at most {at_most:g} of it", ratio <= at_most, against, note)


def bound_result(name: str, value: float, *, unit: str, below: float, note: str = "") -> Result:
    """A figure that must be below a bound."""
    return Result(name, value, unit, None, None, f"under {below:g} {unit}", value < below, "", note)


def table(results: Sequence[Result]) -> str:
    """A Markdown table."""
    rows = [
        "| what | median | against | its median | ratio | bar | met |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in results:
        reference = "" if one.reference is None else f"{one.reference:.4g} {one.unit}"
        ratio = "" if one.ratio is None else f"{one.ratio:.4g}"
        met = "yes" if one.met else "**no**"
        value = f"{one.value:.4g} {one.unit}"
        rows.append(f"| {one.name} | {value} | {one.against} | {reference} | {ratio} | {one.bar} | {met} |")
    return "\n".join(rows)


def write(results: Sequence[Result], machine: str, root: Path) -> None:
    """Write `.bench/results.json` and `docs/bench.md`."""
    folder = root / ".bench"
    folder.mkdir(exist_ok=True)
    (folder / "results.json").write_text(json.dumps([asdict(one) for one in results], indent=2) + "\n")
    notes = "\n".join(f"- {one.name}: {one.note}" for one in results if one.note)
    text = f"""# Measured

Written by `make bench`. {machine} Each ratio is of medians of runs that took turns within one session, so that a slow
moment of the machine meets both sides.

{table(results)}

{notes}
"""
    (root / "docs" / "bench.md").write_text(text)
