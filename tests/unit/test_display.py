"""Text of a student's, made safe to show."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.display import inert, printable

ANY_TEXT = st.text(st.characters(), max_size=60)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=60), ANY_TEXT), st.integers(min_value=1, max_value=80))
def test_the_result_is_short_and_shows_no_control_character_and_no_mark(text: bytes | str, limit: int) -> None:
    shown = printable(text, limit)
    assert len(shown) <= limit
    assert not [one for one in shown if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
    shown.encode()


@settings(deadline=None)
@given(ANY_TEXT, ANY_TEXT)
def test_different_texts_look_different(one: str, other: str) -> None:
    assert (printable(one, 10_000) == printable(other, 10_000)) == (one == other)


@settings(deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_different_bytes_look_different(one: bytes, other: bytes) -> None:
    assert (printable(one, 10_000) == printable(other, 10_000)) == (one == other)


@settings(deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="\\"), max_size=100))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@settings(deadline=None)
@given(st.text(max_size=60))
def test_bytes_and_the_text_in_them_look_the_same(text: str) -> None:
    assert printable(text.encode("utf-8", "replace")) == printable(text.encode("utf-8", "replace").decode())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"a\nb\tc\rd\\", r"a\nb\tc\rd\\"),
        (b"\x00\x07\x1b[2J\x7f", r"\x00\x07\x1b[2J\x7f"),
        (b"\xff\xc3(", r"\xff\xc3("),
        ("\x9b31m", r"\u{9b}31m"),
        ("ab\u202ecd\u2066", r"ab\u{202e}cd\u{2066}"),
        ("zero\u200bwidth\ufeff", r"zero\u{200b}width\u{feff}"),
        ("a\u2028b\u00a0c", r"a\u{2028}b\u{a0}c"),
        ("\ue000\U000e0041\u3164\ufe0f", r"\u{e000}\u{e0041}\u{3164}\u{fe0f}"),
        ("Grüße, 世界 🙂", "Grüße, 世界 🙂"),
        ("\udcff", r"\xff"),
        ("\ud800", r"\u{d800}"),
        ("", ""),
    ],
)
def test_what_could_trick_a_reader_is_written_out(text: bytes | str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("x" * 10, 10, "x" * 10),
        ("x" * 11, 10, "x" * 9 + "…"),
        (b"\xff" * 3, 12, r"\xff\xff\xff"),
        (b"\xff" * 3, 11, r"\xff\xff…"),
        (b"\xff", 1, "…"),
        ("ü" * 5, 4, "üüü…"),
        ("ü".encode() * 10**6, 4, "üüü…"),
    ],
)
def test_what_is_too_long_is_cut_between_characters(text: bytes | str, limit: int, shown: str) -> None:
    assert printable(text, limit) == shown


@pytest.mark.parametrize(
    "command",
    ["::error file=a.c,line=1::x", "::set-output name=a::b", "##[error]x", "##vso[task.complete]", "##teamcity[x]"],
)
def test_no_ci_system_finds_a_command_in_inert_text(command: str) -> None:
    shown = inert(f"said\n  {command}")
    assert command not in shown
    assert shown.startswith("said\n  ")


@pytest.mark.parametrize("text", ["fd00:11::3 and ::1", "[::]:5000", "std::cout << x", "# a ## heading", ":: ::"])
def test_other_text_stays_as_it_is_when_made_inert(text: str) -> None:
    assert inert(text) == text
