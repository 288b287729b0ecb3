"""Unquoted scalars: what passes means the same to everybody, what does not is explained."""

from __future__ import annotations

import datetime

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.spec.scalar import Trap, read_plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("5678", 5678),
        ("-1", -1),
        ("+1", 1),
        ("0x162e", 5678),
        ("0.5", 0.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("16MiB", "16MiB"),
        ("500ms", "500ms"),
        ("10.11.0.0/28", "10.11.0.0/28"),
        ("fd00:11::/64", "fd00:11::/64"),
        ("::3", "::3"),
        ("y", "y"),
        ("alpha/left", "alpha/left"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_a_scalar_that_means_what_it_looks_like_passes(text, value):
    assert read_plain(text) == value
    assert type(read_plain(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "trap"),
    [
        ("010", Trap("the octal number 8 to YAML", "8")),
        ("-010", Trap("the octal number -8 to YAML", "-8")),
        ("0o10", Trap("a number to some YAML readers and text to others", "8")),
        ("08", Trap("a number to some YAML readers and text to others", "8")),
        ("0b101", Trap("the number 5 to YAML", "5")),
        ("1_000", Trap("the number 1000 to YAML", "1000")),
        ("0x16_2e", Trap("the number 5678 to YAML", "5678")),
        ("no", Trap("false to YAML", "false")),
        ("Yes", Trap("true to YAML", "true")),
        ("ON", Trap("true to YAML", "true")),
        ("off", Trap("false to YAML", "false")),
        ("1:30", Trap("the number 90 to YAML, in base 60", "90")),
        ("-1:30:00.5", Trap("the number -5400.5 to YAML, in base 60", "-5400.5")),
        ("2024-01-01", Trap("a date to YAML")),
        ("2024-01-01 10:00:00", Trap("a date to YAML")),
        ("1e3", Trap("a number to some YAML readers and text to others", "1000")),
        ("1.5e+3", Trap("a number to some YAML readers and text to others", "1500")),
        ("1e999", Trap("a number to some YAML readers and text to others")),
        ("-.5", Trap("a number to some YAML readers and text to others", "-0.5")),
        (".nan", Trap("`not a number` to YAML")),
        ("-.INF", Trap("infinity to YAML")),
        ("=", Trap("a sign of its own to YAML")),
        ("<<", Trap("a sign of its own to YAML")),
        ("9" * 19, Trap("a number of 19 characters, which is too long", "a shorter one")),
        ("1" + ":30" * 20, Trap("no text to YAML, but a number or a date")),
    ],
)
def test_a_scalar_that_means_something_else_is_a_trap(text, trap):
    assert read_plain(text) == trap


@settings(max_examples=400, deadline=None)
@given(st.text("0123456789_:.-+eExobnNyYaAfFtTsSrRuUlLiI~=<TZ ", max_size=12).map(str.strip))
def test_what_passes_is_read_alike_by_pyyaml(text):
    value = read_plain(text)
    if isinstance(value, Trap):
        return
    tag = yaml.SafeLoader("").resolve(yaml.ScalarNode, text, (True, False))
    theirs = yaml.SafeLoader("").construct_object(yaml.ScalarNode(tag, text))
    assert not isinstance(theirs, datetime.date)
    assert (type(theirs), theirs) == (type(value), value)
