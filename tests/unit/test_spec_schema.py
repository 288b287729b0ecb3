"""The JSON Schemas for editors: current, and of the same opinion as the models."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from orchestrator.spec import schema
from orchestrator.spec.document import read
from orchestrator.spec.schema import schemas

LABS = Path(__file__).parents[2] / "labs"
DEFINITIONS = [*LABS.glob("*/lab.yaml"), *LABS.glob("*/*/exercise.yaml")]
TYPES = {
    "boolean": bool,
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "null": type(None),
}


def parsed(path: Path) -> dict[str, Any]:
    found = json.loads(schemas()["lab.schema.json" if path.name == "lab.yaml" else "exercise.schema.json"])
    assert isinstance(found, dict)
    return found


def fits(value: Any, node: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether `value` satisfies the part of JSON Schema that our schemas use."""
    if "$ref" in node:
        return fits(value, root["$defs"][node["$ref"].rpartition("/")[2]], root)
    for word in ("anyOf", "oneOf"):
        if word in node:
            return sum(fits(value, choice, root) for choice in node[word]) == 1
    if value != node.get("const", value) or value not in node.get("enum", [value]):
        return False
    if not is_of(value, node.get("type")):
        return False
    if isinstance(value, str):
        return re.search(node.get("pattern", ""), value) is not None and len(value) >= node.get("minLength", 0)
    if isinstance(value, list):
        return len(value) >= node.get("minItems", 0) and all(fits(item, node["items"], root) for item in value)
    if isinstance(value, dict):
        return len(value) >= node.get("minProperties", 0) and object_fits(value, node, root)
    return value is None or node.get("minimum", value) <= value <= node.get("maximum", value)


def is_of(value: Any, kind: str | None) -> bool:
    """Whether `value` is of a type of JSON Schema; to Python, a truth value is a number, too."""
    return kind is None or (isinstance(value, TYPES[kind]) and isinstance(value, bool) == (kind == "boolean"))


def object_fits(value: dict[str, Any], node: dict[str, Any], root: dict[str, Any]) -> bool:
    known = dict(node.get("properties", {}))
    for key in value:
        for pattern, inner in node.get("patternProperties", {}).items():
            if re.search(pattern, key):
                known[key] = inner
    if node.get("additionalProperties") is False and not set(value) <= set(known):
        return False
    return set(node.get("required", ())) <= set(value) and all(fits(value[key], known[key], root) for key in value)


@pytest.mark.parametrize("name", ["lab.schema.json", "exercise.schema.json"])
def test_the_committed_schema_is_current(name):
    assert (LABS / name).read_text() == schemas()[name], "run `ipclab schema`"


def test_writing_gives_the_same_files_again(tmp_path):
    written = schema.write(tmp_path)
    assert {path.name: path.read_text() for path in written} == dict(schemas())


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: str(path.relative_to(LABS)))
def test_the_definitions_of_the_course_fit_their_schema(path):
    assert fits(read(path).data, parsed(path), parsed(path))


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: str(path.relative_to(LABS)))
def test_the_definitions_of_the_course_tell_editors_their_schema(path):
    name = "../lab.schema.json" if path.name == "lab.yaml" else "../../exercise.schema.json"
    assert path.read_text().splitlines()[0] == f"# yaml-language-server: $schema={name}"
    assert (path.parent / name).resolve().is_file()


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("titel", "x"),
        ("title", 5),
        ("title", ""),
        ("limits", {"memory": 16}),
        ("limits", {"pids": 4}),
        ("hosts", {}),
        ("hosts", {"Alpha": {"containers": {"a": {}}}}),
        ("hosts", {"a": {}}),
        ("exercises", "fifo"),
    ],
)
def test_the_schema_marks_what_the_models_refuse(change, value):
    root = parsed(Path("lab.yaml"))
    right: dict[str, Any] = {"title": "x", "hosts": {"a": {"containers": {"b": {}}}}}
    assert fits(right, root, root)
    assert not fits({**right, change: value}, root, root)


def test_defaults_are_shown_as_an_author_would_write_them():
    root = parsed(Path("lab.yaml"))
    assert root["$defs"]["IpcLimits"]["properties"]["shm_size"]["default"] == "16MiB"
    assert parsed(Path("exercise.yaml"))["$defs"]["Program"]["properties"]["timeout"]["default"] == "5s"


def test_every_key_is_described():
    for name in schemas():
        root = parsed(Path(name.replace(".schema.json", ".yaml")))
        parts = {"": root, **root["$defs"]}
        bare = [
            f"{part}.{key}"
            for part, node in parts.items()
            for key, inner in node["properties"].items()
            if "description" not in inner and key != "kind"
        ]
        assert bare == []
