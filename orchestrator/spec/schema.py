"""JSON Schemas of lab.yaml and exercise.yaml, so that an editor completes keys and marks mistakes while they are typed.

What a schema can't say (names that must exist, files beside the definition) only `ipclab validate` finds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from orchestrator.spec.exercise import Exercise
from orchestrator.spec.lab import Lab, Part
from orchestrator.spec.quantity import DURATION_PATTERN, SIZE_PATTERN, duration_text, size_text

# Editors' YAML servers know draft 7 best, and nothing here needs more.
_DIALECT = "http://json-schema.org/draft-07/schema#"
_MODELS: Mapping[str, tuple[type[Part], str]] = {
    "lab.schema.json": (Lab, "lab.yaml of ipclab"),
    "exercise.schema.json": (Exercise, "exercise.yaml of ipclab"),
}


class _Generator(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes of names: they say nothing twice."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def schemas() -> Mapping[str, str]:
    """The text of each schema by its file name."""
    return {name: _text(model, title) for name, (model, title) in _MODELS.items()}


def write(folder: Path) -> tuple[Path, ...]:
    """The files that the schemas were written to, in `folder` (the one that holds the labs)."""
    texts = schemas()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return tuple(folder / name for name in texts)


def _text(model: type[Part], title: str) -> str:
    schema = model.model_json_schema(schema_generator=_Generator)
    tidied = {"$schema": _DIALECT, **_tidied(schema), "title": title}
    return json.dumps(tidied, indent=2, ensure_ascii=False) + "\n"


def _tidied(node: Any) -> Any:
    """A schema with defaults as an author would write them, and mappings closed for names that do not match."""
    if isinstance(node, list):
        return [_tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidied = {key: _tidied(value) for key, value in node.items()}
    if isinstance(tidied.get("default"), dict):
        del tidied["default"]  # a part that takes its own defaults
    elif "pattern" in tidied and "default" in tidied:
        tidied["default"] = _default_text(tidied["pattern"], tidied["default"])
    if "patternProperties" in tidied:
        tidied.setdefault("additionalProperties", False)
    return tidied


def _default_text(pattern: str, default: Any) -> Any:
    if pattern == SIZE_PATTERN:
        return size_text(default)
    return duration_text(default) if pattern == DURATION_PATTERN else default
