"""Single values: sizes, durations, addresses, templates, and the names that a mistyped one was meant to be."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from orchestrator.spec.address import Address6, Subnet4
from orchestrator.spec.quantity import duration_s, duration_text, size_bytes, size_text
from orchestrator.spec.refusal import Refused
from orchestrator.spec.suggest import closest, did_you_mean
from orchestrator.spec.template import references


@pytest.mark.parametrize(
    ("text", "size"),
    [("16MiB", 16 * 2**20), ("1.5 KiB", 1536), ("8kB", 8000), ("1B", 1), ("2GB", 2 * 10**9), ("1048576GiB", 2**50)],
)
def test_a_size_is_a_number_and_its_unit(text, size):
    assert size_bytes(text) == size


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (16, "the number 16 has no unit; write it like 16MiB (units: B, KiB, MiB, GiB, kB, MB, GB)"),
        ("16", "`16` has no unit; write it like 16MiB (units: B, KiB, MiB, GiB, kB, MB, GB)"),
        ("16M", "`16M` has no unit of size that is known here; did you mean 16MiB?"),
        ("16mb", "`16mb` has no unit of size that is known here; did you mean 16MB?"),
        ("16 bogus", "`16 bogus` has no unit of size that is known here; its units are B, KiB, MiB, GiB, kB, MB, GB"),
        ("big", "`big` is no size; write a number and its unit, such as 16MiB"),
        ("-1MiB", "`-1MiB` is no size; write a number and its unit, such as 16MiB"),
        ("0.5B", "`0.5B` is not a whole number of bytes; write a size from 1B to 1PiB, such as 16MiB"),
        ("0MiB", "`0MiB` is not a whole number of bytes; write a size from 1B to 1PiB, such as 16MiB"),
        ("9999999GiB", "`9999999GiB` is not a whole number of bytes; write a size from 1B to 1PiB, such as 16MiB"),
        ("\u0661MiB", "`\u0661MiB` is no size; write a number and its unit, such as 16MiB"),
        (True, "true is no size; write a number and its unit, such as 16MiB"),
        (None, "the size is missing; write a number and its unit, such as 16MiB"),
        ([1], "a list is no size; write a number and its unit, such as 16MiB"),
    ],
)
def test_anything_else_is_no_size(value, message):
    with pytest.raises(Refused) as refused:
        size_bytes(value)
    assert str(refused.value) == message


@pytest.mark.parametrize(("text", "duration"), [("500ms", 0.5), ("3s", 3), ("1.5 s", 1.5), ("60min", 3600)])
def test_a_duration_is_a_number_and_its_unit(text, duration):
    assert duration_s(text) == pytest.approx(duration)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "the number 5 has no unit; write it like 500ms (units: ms, s, min)"),
        ("5m", "`5m` has no unit of duration that is known here; did you mean 5min?"),
        ("5 minutes", "`5 minutes` has no unit of duration that is known here; did you mean 5min?"),
        ("2min30s", "`2min30s` is no duration; write a number and its unit, such as 500ms"),
        ("61min", "`61min` is out of range; write a duration from 1ms to 60min"),
        ("0s", "`0s` is out of range; write a duration from 1ms to 60min"),
    ],
)
def test_anything_else_is_no_duration(value, message):
    with pytest.raises(Refused) as refused:
        duration_s(value)
    assert str(refused.value) == message


@given(st.integers(1, 2**50))
def test_a_size_written_out_is_read_back(size):
    assert size_bytes(size_text(size)) == size


@given(st.integers(1, 3_600_000))
def test_a_duration_written_out_is_read_back(milliseconds):
    text = duration_text(milliseconds / 1000)
    assert duration_s(text) == pytest.approx(milliseconds / 1000, rel=1e-4)


@given(st.one_of(st.text(max_size=20), st.integers(), st.floats(), st.none(), st.booleans(), st.lists(st.integers())))
def test_no_value_makes_a_quantity_crash(value):
    for read in (size_bytes, duration_s):
        try:
            assert read(value) > 0
        except Refused as refused:
            assert refused.what


def test_addresses_are_read_without_leniency():
    assert TypeAdapter(Subnet4).validate_python("10.11.0.0/28") == IPv4Network("10.11.0.0/28")
    assert TypeAdapter(Address6).validate_python("fd00:11::3") == IPv6Address("fd00:11::3")
    for text in ("10.11.0.0", "10.11.0.0/255.255.255.240", "10.11.0.0/33", "010.11.0.0/28", "10.11.0.1/28", 5, b"10"):
        with pytest.raises(ValueError, match="subnet"):
            TypeAdapter(Subnet4).validate_python(text)
    for text in ("fe80::1%eth0", "10.11.0.3", "fd00:11::/64", 3, ""):
        with pytest.raises(ValueError, match="address"):
            TypeAdapter(Address6).validate_python(text)


def test_a_template_names_what_stands_between_single_braces():
    assert references("{key}") == ("key",)
    assert references("{{literal}} -p {port} {beta.ipv4}{x}") == ("port", "beta.ipv4", "x")
    assert references("{{{{") == ()
    assert references("{{{key}}}") == ("key",)
    assert references("") == ()


@pytest.mark.parametrize("template", ["{", "}", "{key", "key}", "{{}", "{}}", "{a{b}"])
def test_a_brace_alone_is_refused(template):
    with pytest.raises(Refused, match="is alone in this template"):
        references(template)


@given(st.text("{}ab.", max_size=20))
def test_a_template_that_passes_has_its_braces_in_pairs(template):
    try:
        names = references(template)
    except Refused:
        return
    rest = template.replace("{{", "").replace("}}", "")
    assert rest.count("{") <= len(names) and rest.count("}") <= len(names)


@pytest.mark.parametrize(
    ("word", "meant"), [("memroy", "memory"), ("Alpha", "alpha"), ("shm-size", "shm_size"), ("xyzzy", None), ("", None)]
)
def test_the_closest_name_is_the_one_that_was_meant(word, meant):
    assert closest(word, ["memory", "alpha", "shm_size"]) == meant


def test_what_to_do_about_an_unknown_name():
    assert did_you_mean("lfet", ["left", "right"]) == "did you mean `left`?"
    assert did_you_mean("x", ["left", "right"]) == "choose from left, right"
    assert did_you_mean("x", [], none="there are none") == "there are none"
    many = [f"name{number}" for number in range(20)]
    assert did_you_mean("x", many) == f"choose from {', '.join(many[:12])} and 8 more"
