"""Documents: data with places, and everything about a file that is wrong as YAML, where it is wrong."""

from __future__ import annotations

import os

import pytest

from orchestrator.spec import document
from orchestrator.spec.document import parse
from orchestrator.spec.text import MAX_BYTES
from orchestrator.spec.tree import MAX_DEPTH, Place


def problems(text: str | bytes) -> list[str]:
    raw = text.encode() if isinstance(text, str) else text
    return [str(problem) for problem in parse("x.yaml", raw).problems]


def test_data_comes_with_the_places_of_keys_and_values():
    found = parse("x.yaml", b"# first\na:\n  b: [1, 'zwei']\n\xc3\xa4: {c: x}\n")
    assert found.problems == ()
    assert found.data == {"a": {"b": [1, "zwei"]}, "ä": {"c": "x"}}
    assert found.keys[("a",)] == Place(2, 1)
    assert found.keys[("a", "b")] == Place(3, 3)
    assert found.values[("a", "b", 1)] == Place(3, 10)
    assert found.values[("ä", "c")] == Place(4, 8)
    assert found.values[()] == Place(2, 1)


def test_a_problem_without_a_place_of_its_own_is_placed_at_the_nearest_parent():
    found = parse("x.yaml", b"a:\n  b: 1\n")
    assert str(found.problem(("a", "c", "d"), "what", "fix")) == "x.yaml:1:1: what; fix"
    assert str(found.problem(("a", "b"), "what")) == "x.yaml:2:6: what"
    assert str(found.problem(("a", "b"), "what", at_key=True)) == "x.yaml:2:3: what"
    assert str(found.problem(("z",), "what", at_key=True)) == "x.yaml:1:1: what"


def test_a_problem_is_one_line_of_bounded_length():
    found = parse("x.yaml", b"a: 1\n").problem((), "a\x1b\n" + "x" * 10_000)
    assert found.what.isprintable() and len(found.what) <= 300


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1: the file is empty; write `key: value` lines, beginning with `title:`"]),
        ("# only a comment\n", ["1:1: the file is empty; write `key: value` lines, beginning with `title:`"]),
        ("[1, 2]\n", ["1:1: a definition has `key: value` lines, and this is something else"]),
        ("a: 1\nb: 2\na: 3\n", ["3:1: the key `a` is there already on line 1; remove one of the two"]),
        ("a: {b: 1, b: 2}\n", ["1:11: the key `b` is there already on line 1; remove one of the two"]),
        ("a: 010\n", ['1:4: `010` is the octal number 8 to YAML; write 8, or quote it: "010"']),
        ("a: [1, no]\n", ['1:8: `no` is false to YAML; write false, or quote it: "no"']),
        ("a:\n  on: 1\n", ['2:3: `on` is true to YAML; quote it: "on"']),
        ("a: 1:30\n", ['1:4: `1:30` is the number 90 to YAML, in base 60; write 90, or quote it: "1:30"']),
        ("a: 2024-01-01\n", ['1:4: `2024-01-01` is a date to YAML; quote it: "2024-01-01"']),
        ("5: x\n", ['1:1: the key `5` is no text to YAML; quote it: "5"']),
        ("a:\n  true: x\n", ['2:3: the key `true` is no text to YAML; quote it: "true"']),
        ("~: x\n", ['1:1: the key `~` is no text to YAML; quote it: "~"']),
        ("? [a, b]\n: x\n", ["1:3: a key must be text, not a list or a mapping; write `key: value`"]),
        ("a: &x 1\n", ["1:4: anchors (&x) are not taken here; write each value where it belongs"]),
        ("a: *x\n", ["1:4: aliases (*x) are not taken here; write the value out"]),
        ("*x : 1\n", ["1:1: aliases (*x) are not taken here; write the value out"]),
        ("<<: {a: 1}\nb: 2\n", ["1:1: merge keys (<<) are not taken here; write the keys out"]),
        ("a: !x 1\n", ["1:4: tags (!x) are not taken here; remove it; quotes make text of anything"]),
        ("a: !!str 1\n", ["1:4: tags (!!str) are not taken here; remove it; quotes make text of anything"]),
        (
            "a: !!python/object:os.system x\n",
            ["1:4: tags (!!python/object:os.system) are not taken here; remove it; quotes make text of anything"],
        ),
        ("a: 1\n---\na: 2\n", ["2:1: a second YAML document begins here; keep one definition in a file"]),
        ('a: "\\e[1m"\n', ["1:4: the text holds the character U+001B, which can't be seen; remove its escape"]),
    ],
)
def test_what_yaml_can_do_beyond_plain_data_is_refused(text, expected):
    assert problems(text) == [f"x.yaml:{line}" for line in expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: b: c\n", "1:5: this colon is in the wrong place; quote the text, or mend the indentation"),
        ("a: [1,\n  2\nb: 3\n", "3:2: the list that begins on line 1 lacks a comma or its ]; write [a, b]"),
        ("a: 1\nb: [1, 2\n", "2:4: the list that begins on line 2 lacks a comma or its ]; write [a, b]"),
        ("a: {b: 1\n", "1:4: the mapping that begins on line 1 lacks a comma or its }; write {a: 1, b: 2}"),
        ("a: 'x\nb: 1\n", "1:4: the quoted text that begins on line 1 never ends; close its quotes"),
        ("a: - 1\n", "1:4: a list can't begin here; begin it on a line of its own"),
        ("a:\n  - 1\n  b: 2\n",
            "3:3: this line does not go on with the list of line 2; begin it with -, or mend its indentation"),
        ("a: 'x' y\n", "1:8: this is no `key: value` of what begins on line 1; mend the indentation or the quotes"),
        ("a: 1\nb\n", "2:1: a key without a colon begins on line 2; write `key: value`"),
        ("a: @x\n", "1:4: no value can begin with this character; quote the value"),
        ("a: `x`\n", "1:4: no value can begin with this character; quote the value"),
        ("a: ]\n", "1:4: a value is missing here; write it, or remove what announces it"),
        ('a: "\\q"\n', "1:5: there is no such escape in double quotes; double the backslash, or use single quotes"),
        ("%YAML 3.0\n--- a\n", "1:1: this version of YAML is not known here; remove the line that begins with %YAML"),
        ("a: |x\n", "1:5: this is not YAML: did not find expected comment or line break"),
    ],
)  # fmt: skip
def test_a_syntax_error_is_said_in_words_and_placed(text, expected):
    assert problems(text) == [f"x.yaml:{expected}"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\xef\xbb\xbfa: 1\n", ["1:1: the file begins with a byte order mark; save it as UTF-8 without one"]),
        ("a: 1\n".encode("utf-16"), ["1:1: the file is UTF-16, not UTF-8; save it as UTF-8"]),
        (b"\xc3\xa4: 1\nb: \xe4\n", ["2:4: the byte 0xe4 is not UTF-8; save the file as UTF-8"]),
        (b"a: 1\n\tb: 2\n  \tc: 3\n", [
            "2:1: this line is indented with a tab; YAML wants spaces",
            "3:3: this line is indented with a tab; YAML wants spaces",
        ]),
        (b"a: \x07\nb: \x00\n", [
            "1:4: the character U+0007 can't be seen; remove it",
            "2:4: the character U+0000 can't be seen; remove it",
        ]),
        ("a: x\u202ey\n".encode(), ["1:5: the character U+202E can't be seen; remove it"]),
        (b"a: 1\r\nb: \x01\r\n", ["2:4: the character U+0001 can't be seen; remove it"]),
        (b"a: " + b"x" * MAX_BYTES, ["1:1: the file has more than 256 KiB; write a definition of a sensible size"]),
    ],
)  # fmt: skip
def test_a_file_must_be_text_that_an_author_can_see(raw, expected):
    assert problems(raw) == [f"x.yaml:{line}" for line in expected]


def test_tabs_within_a_line_do_no_harm():
    assert parse("x.yaml", b"a:\t1\n").data == {"a": 1}


def test_windows_line_ends_do_no_harm():
    assert parse("x.yaml", b"a: 1\r\nb:\r\n  - 2\r\n").data == {"a": 1, "b": [2]}


def test_all_problems_up_to_a_syntax_error_are_kept():
    assert problems("a: no\na: 1\nb: *x\nc: [1\n") == [
        'x.yaml:1:4: `no` is false to YAML; write false, or quote it: "no"',
        "x.yaml:2:1: the key `a` is there already on line 1; remove one of the two",
        "x.yaml:3:4: aliases (*x) are not taken here; write the value out",
        "x.yaml:4:4: the list that begins on line 4 lacks a comma or its ]; write [a, b]",
    ]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_is_refused_and_exhausts_nothing(opening):
    text = "a:\n  " + opening * 50_000
    (problem,) = problems(text[: MAX_BYTES - 1])
    assert problem.endswith(f"this is nested more than {MAX_DEPTH} levels deep; a definition needs six")


def test_a_billion_laughs_stay_small():
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40)]
    found = parse("x.yaml", "\n".join(lines).encode())
    assert found.data["a39"] == [None, None]
    assert len(found.problems) == 40 + 2 * 39


def test_what_is_refused_does_not_hide_what_is_right():
    found = parse("x.yaml", b"? [k]\n: {a: no}\nb: 1\n5: {c: *x}\nd: 2\n")
    assert found.data == {"b": 1, "d": 2}
    assert [problem.line for problem in found.problems] == [1, 2, 4, 4]


def test_a_file_that_is_not_there_is_a_problem(tmp_path):
    found = document.read(tmp_path / "lab.yaml")
    assert [problem.what for problem in found.problems] == ["there is no such file"]
    assert found.data is None


def test_a_folder_or_fifo_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "lab.yaml")
    assert [problem.what for problem in document.read(tmp_path / "lab.yaml").problems] == ["this is not a plain file"]
    assert [problem.what for problem in document.read(tmp_path).problems] == ["this is not a plain file"]


def test_repeats_are_found_where_the_second_one_stands():
    found = parse("x.yaml", b"a: [x, y, x, x]\n")
    assert list(found.repeats_at(("a",))) == [(("a", 2), "x")]
    assert list(found.repeats_at(("b",))) == []
