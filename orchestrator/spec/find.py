"""Where the lab is that somebody means. What is in it is `load`'s; this alone costs no import of YAML or models."""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.spec.suggest import did_you_mean


def find_lab(labs: Path, name: str) -> Path:
    """The folder of the lab that is called `name` in the folder `labs`: `lab-11`, `11`, or a path to it.

    Raises:
        UsageError: There is none; says which one was perhaps meant.
    """
    known = lab_names(labs)
    for candidate in (name, f"lab-{name}", f"lab-{name.zfill(2)}"):
        if candidate in known:
            return labs / candidate
    path = Path(name).parent if Path(name).name == "lab.yaml" else Path(name)
    if _is_lab(path):
        return path
    meant = did_you_mean(name if not name.isdecimal() else f"lab-{name}", known, none=f"{labs} holds no lab")
    raise UsageError(f"there is no lab {name!r}", fix=f"{meant[0].upper()}{meant[1:]}")


def _is_lab(folder: Path) -> bool:
    try:
        return (folder / "lab.yaml").is_file()
    except OSError:  # a name that is too long for a file
        return False


def lab_names(labs: Path) -> tuple[str, ...]:
    """The names of the labs in the folder `labs`, sorted."""
    return tuple(sorted(path.parent.name for path in labs.glob("*/lab.yaml")))
