"""What the handbook says exists: links, commands, options, targets, fields, modules."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from orchestrator.checks.evidence import Verdict
from orchestrator.checks.modules import BY_NAME
from orchestrator.checks.outcome import Outcome
from orchestrator.checks.programs import Program, Running
from orchestrator.cli import cli
from orchestrator.grade.record import VERSION, ExerciseRecord, Record
from orchestrator.spec import exercise as exercise_model

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *(ROOT / "docs" / f"{name}.md" for name in ("students", "instructors", "contributing", "record")),
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"\bipclab ((?:-[\w-]+ )*)([a-z]+)\b([^`\n|]*)")
OPTION = re.compile(r"(?<=\s)(--?[a-z][\w-]*)")
TARGET = re.compile(r"(?:`|^    )make ([a-z]+(?:-[0-9]+)?)\b", re.MULTILINE)


def anchor(heading: str) -> str:
    """The name that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def prose(page: Path) -> str:
    """A page without its screens and files."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if not target.startswith(("https://", "http://")):
            path, _, section = target.partition("#")
            file = page.parent / path if path else page
            # The handout is a file of the example.
            assert file.exists() or target == "mail/README.md", f"{page.name}: {target}"
            if section:
                headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
                assert section in map(anchor, headings), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    for _, name, rest in COMMAND.findall(page.read_text()):
        assert name in cli.commands, f"{page.name}: ipclab {name}"
        known = {option for parameter in cli.commands[name].params for option in parameter.opts}
        for option in OPTION.findall(rest) if name != "exec" else []:
            assert option in known, f"{page.name}: ipclab {name} {option}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_of_make_exist(page: Path) -> None:
    known = re.findall(r"^([a-z%0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in TARGET.findall(prose(page)):
        assert re.sub(r"-[0-9]+$", "-%", target) in known, f"{page.name}: make {target}"


def test_every_command_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text()
    missing = [name for name in cli.commands if not re.search(rf"(ipclab |`){name}\b", text)]
    assert missing == ["build"], "building is what up and check do by themselves"


def test_every_field_of_the_record_is_explained() -> None:
    text = (ROOT / "docs" / "record.md").read_text()
    explained = {
        name for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    record = Record("l", "t", "i", {}, {}, "s", "n", 0.0, ())
    exercise = ExerciseRecord("n", "t", "t", "s", ())
    known = {*record.plain(), *exercise.plain(), *(field.name for field in fields(Verdict))}
    assert explained == known
    assert f"of this format: {VERSION}." in text
    assert all(f"- `{outcome}`: " in text for outcome in Outcome)


def test_all_that_a_check_can_use_is_in_the_handbook() -> None:
    text = (ROOT / "docs" / "instructors.md").read_text()
    assert [name for name in BY_NAME if f"`{name}(" not in text and f" `{name}(" not in text] == []
    kinds = [model.model_fields["kind"].annotation for model in get_args(get_args(exercise_model.Parameter)[0])]
    assert [kind for one in kinds for kind in get_args(one) if f"{{kind: {kind}" not in text] == []
    running = [name for name in vars(Running) if not name.startswith("_") and callable(vars(Running)[name])]
    assert [name for name in running if f".{name}(" not in text] == []
    assert [name for name in ("run", "start", "at") if f".{name}(" not in text or not hasattr(Program, name)] == []
