"""No input, however mangled, does more than be refused: a lab, or a DefinitionError, in bounded time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.errors import DefinitionError
from orchestrator.spec.document import parse
from orchestrator.spec.load import MAX_PROBLEMS, load_lab, load_lab_only
from orchestrator.spec.text import MAX_BYTES

LABS = Path(__file__).parents[2] / "labs"
RIGHT = (LABS / "lab-11" / "lab.yaml").read_bytes()
EXERCISE = (LABS / "lab-11" / "sysv-shm" / "exercise.yaml").read_bytes()
BOUND_S = 10.0
"""Of processor time, for the worst file that is read at all: fifteen times what it takes, for slow machines."""

few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("labs") / "lab-11"
    (folder / "sysv-shm").mkdir(parents=True)
    return folder


def judge(lab: Path, definition: bytes, exercise: bytes = EXERCISE) -> None:
    """Load the lab; whatever is said about it must be fit to print."""
    (lab / "lab.yaml").write_bytes(definition)
    (lab / "sysv-shm" / "exercise.yaml").write_bytes(exercise)
    try:
        load_lab(lab)
    except DefinitionError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.line >= 1 and problem.column >= 1
            assert problem.what and str(problem).isprintable() and len(str(problem)) < 1000
            assert "Input should" not in str(problem), "pydantic's words"


WORDS = "no|010|1:30|5|16|1.5|true|null||[]|{}|*a|&a|<<|!x|- |? |'|\"|alpha|left|lan|fd00:11::3|10.11.0.1/28|16MiB"
words = st.sampled_from(f"{WORDS}|{{kind: text}}|[ipc]|[net]|{{shmmax: 1GiB}}|{{memory: 1B}}|alpha/left".split("|"))


def deleted(row: str, draw: st.DrawFn) -> list[str]:
    return []


def doubled(row: str, draw: st.DrawFn) -> list[str]:
    return [row, row]


def with_a_word(row: str, draw: st.DrawFn) -> list[str]:
    key, colon, _ = row.partition(":")
    return [f"{key}{colon} {draw(words)}"]


def indented(row: str, draw: st.DrawFn) -> list[str]:
    return [" " * draw(st.integers(1, 3)) + row]


def cut(row: str, draw: st.DrawFn) -> list[str]:
    return [row[: draw(st.integers(0, len(row)))]]


@st.composite
def mangled(draw: st.DrawFn, text: bytes) -> bytes:
    """A definition with lines deleted, doubled, indented, cut, or with other values, and bytes changed."""
    rows = text.decode().splitlines()
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(rows) - 2))
        change = draw(st.sampled_from([deleted, doubled, with_a_word, indented, cut]))
        rows[at : at + 1] = change(rows[at], draw)
    raw = bytearray("\n".join(rows).encode())
    for _ in range(draw(st.integers(0, 2))):
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    return bytes(raw)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates() | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=4),
    max_leaves=12,
)
lab_keys = st.sampled_from(
    ["title", "summary", "networks", "hosts", "limits", "exercises", "ipv4", "ipv6", "containers"]
)
host_keys = st.sampled_from(["image", "share", "ipc", "volume", "memory", "pids", "shm_size", "alpha", "lan", "left"])
exercise_keys = st.sampled_from(
    ["topic", "programs", "parameters", "ablation", "wrong", "sources", "args", "kind", "min"]
)
likely = st.recursive(
    plain,
    lambda inner: (
        st.dictionaries(lab_keys | host_keys | exercise_keys, inner, max_size=6) | st.lists(inner, max_size=3)
    ),
    max_leaves=30,
)


@few
@given(st.text(max_size=200))
def test_no_text_makes_the_reader_crash(text):
    found = parse("x.yaml", text.encode("utf-8", "surrogatepass"))
    assert isinstance(found.data, dict) or found.problems


@few
@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_crash(raw):
    found = parse("x.yaml", raw)
    assert isinstance(found.data, dict) or found.problems


@few
@given(st.text(":-?[]{},&*!|>'\"%@`#~ \n\tab01", max_size=60))
def test_no_punctuation_makes_the_reader_crash(text):
    found = parse("x.yaml", text.encode())
    assert isinstance(found.data, dict) or found.problems


@settings(few, max_examples=100)
@given(definition=mangled(RIGHT), exercise=mangled(EXERCISE))
def test_no_mangled_definition_makes_the_reader_crash(lab, definition, exercise):
    judge(lab, definition, exercise)


@settings(few, max_examples=100)
@given(definition=likely, exercise=likely)
def test_no_structure_makes_the_reader_crash(lab, definition, exercise):
    judge(lab, yaml.safe_dump(definition).encode(), yaml.safe_dump(exercise).encode())


@settings(few, max_examples=40)
@given(st.dictionaries(st.sampled_from(["title", "networks", "hosts", "limits"]), likely, min_size=3))
def test_what_is_right_in_a_wrong_definition_is_still_judged(lab, definition):
    judge(lab, yaml.safe_dump({**yaml.safe_load(RIGHT), **definition}).encode())


LARGE = {
    "lists": b"a: [" + b"[]," * 87_000 + b"]",
    "deep": b"a: " + b"{a: " * 65_000,
    "dashes": b"- " * 130_000,
    "one key again and again": b"a: 1\n" * 52_000,
    "traps": b"- 010\n" * 43_000,
    "anchors": b"- &a b\n" * 37_000,
    "unknown keys": b"".join(b"k%d: 1\n" % number for number in range(22_000)),
    "mistyped keys": b"".join(b"titl%d: 1\n" % number for number in range(20_000)),
    "wrong names": b"title: x\nhosts:\n" + b"".join(b"  N%d: {containers: {}}\n" % number for number in range(8_000)),
    "networks that overlap": b"title: x\nnetworks:\n"
    + b"".join(b"  n%d: {ipv4: 10.11.0.0/28, ipv6: fd00::/64}\n" % number for number in range(5_000))
    + b"hosts: {a: {containers: {b: {}}}}\n",
    "unknown networks": b"title: x\nnetworks: {lan: {ipv4: 10.11.0.0/28, ipv6: fd00::/64}}\nhosts:\n"
    + b"".join(b"  h%d: {containers: {a: {}}, networks: {l%d: {ipv4: 10.0.0.3, ipv6: fd00::3}}}\n" % (number, number)
               for number in range(2_900)),
    "exercises": b"title: x\nhosts: {a: {containers: {b: {}}}}\nexercises:\n" + b"- e\n" * 60_000,
}  # fmt: skip


@pytest.mark.parametrize("name", LARGE)
def test_no_large_file_takes_long(lab, name):
    assert len(LARGE[name]) <= MAX_BYTES
    began = time.process_time()
    judge(lab, LARGE[name])
    assert time.process_time() - began < BOUND_S


def test_no_file_has_more_problems_than_can_be_read(lab):
    (lab / "lab.yaml").write_bytes(LARGE["traps"])
    with pytest.raises(DefinitionError) as error:
        load_lab_only(lab)
    assert len(error.value.problems) == MAX_PROBLEMS + 1
