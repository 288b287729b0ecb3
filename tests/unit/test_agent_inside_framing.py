"""Frames: whatever bytes come, a decoder gives whole frames or one clear error."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.agent import framing
from orchestrator.agent.framing import (
    HEADER_LIMIT_BYTES,
    PAYLOAD_LIMIT_BYTES,
    PREFIX,
    Decoder,
    Frame,
    FramingError,
    HeaderTooLong,
    encode,
)

TOKEN = b"0123456789abcdef"
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
HEADERS = st.dictionaries(
    st.text(), st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)
)
MESSAGES = st.lists(st.tuples(HEADERS, st.binary(max_size=200)), max_size=4)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@given(MESSAGES, st.lists(st.integers(0, 10_000), max_size=12))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(
    messages: list[tuple[dict[str, object], bytes]], cuts: list[int]
) -> None:
    data = b"".join(encode(TOKEN, header, payload) for header, payload in messages)
    decoder = Decoder(TOKEN)
    frames = [frame for piece in pieces(data, cuts) for frame in decoder.feed(piece)]
    assert frames == [Frame(TOKEN, header, payload) for header, payload in messages]
    assert decoder.pending_bytes == 0


@given(MESSAGES.filter(bool), st.integers(1, 10_000))
def test_a_stream_that_is_cut_off_gives_the_whole_frames_and_tells_of_the_rest(
    messages: list[tuple[dict[str, object], bytes]], lost: int
) -> None:
    encoded = [encode(TOKEN, header, payload) for header, payload in messages]
    data = b"".join(encoded)
    kept = data[: len(data) - 1 - lost % len(encoded[-1])]
    decoder = Decoder(TOKEN)
    frames = decoder.feed(kept)
    assert frames == [Frame(TOKEN, header, payload) for header, payload in messages][:-1]
    assert decoder.pending_bytes == len(kept) - sum(map(len, encoded[:-1]))


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6), st.booleans())
def test_garbage_gives_an_error_or_nothing_and_the_same_however_it_is_cut(
    data: bytes, cuts: list[int], knows: bool
) -> None:
    def decode(chunks: list[bytes]) -> object:
        decoder = Decoder(TOKEN if knows else None)
        try:
            return [frame for chunk in chunks for frame in decoder.feed(chunk)]
        except FramingError as error:
            return str(error)

    assert decode(pieces(data, cuts)) == decode([data])


@given(st.binary(max_size=100))
def test_a_header_that_is_no_json_object_is_an_error(head: bytes) -> None:
    data = PREFIX.pack(TOKEN, len(head), 0) + head
    try:
        [frame] = Decoder().feed(data)
    except FramingError:
        return
    assert isinstance(frame.header, dict)


@pytest.mark.parametrize(
    "head",
    [b"[]", b"1", b'"x"', b"null", b"", b"{", b"\xff\xff", b'{"a":NaN}', b'{"a":Infinity}', b" {}", b"{} ", b"{}{}"],
)
def test_these_headers_are_errors(head: bytes) -> None:
    with pytest.raises(FramingError):
        Decoder().feed(PREFIX.pack(TOKEN, len(head), 0) + head)


def test_a_header_nested_deeper_than_python_recurses_is_an_error() -> None:
    head = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(FramingError):
        Decoder().feed(PREFIX.pack(TOKEN, len(head), 0) + head)


def test_a_whole_number_of_more_digits_than_python_reads_is_an_error() -> None:
    head = b'{"a":' + b"9" * 10_000 + b"}"
    with pytest.raises(FramingError):
        Decoder().feed(PREFIX.pack(TOKEN, len(head), 0) + head)


@pytest.mark.parametrize("lengths", [(HEADER_LIMIT_BYTES + 1, 0), (2, PAYLOAD_LIMIT_BYTES + 1), (2**32 - 1, 2**32 - 1)])
def test_lengths_over_the_limits_are_an_error_before_anything_more_comes(lengths: tuple[int, int]) -> None:
    with pytest.raises(FramingError):
        Decoder().feed(PREFIX.pack(TOKEN, *lengths))


def test_another_token_is_an_error_at_its_first_wrong_byte() -> None:
    decoder = Decoder(TOKEN)
    assert decoder.feed(TOKEN[:5]) == []
    with pytest.raises(FramingError):
        decoder.feed(b"?")


def test_the_token_of_the_first_frame_binds_all_that_follow() -> None:
    decoder = Decoder()
    decoder.feed(encode(TOKEN, {}))
    assert decoder.token == TOKEN
    with pytest.raises(FramingError):
        decoder.feed(encode(bytes(16), {}))


def test_after_an_error_a_decoder_gives_nothing_but_that_error() -> None:
    decoder = Decoder(TOKEN)
    with pytest.raises(FramingError) as first:
        decoder.feed(b"x")
    with pytest.raises(FramingError) as second:
        decoder.feed(encode(TOKEN, {}))
    assert str(first.value) == str(second.value)
    assert decoder.pending_bytes == 0


def test_what_is_too_long_for_a_frame_is_not_made_one() -> None:
    with pytest.raises(HeaderTooLong):
        encode(TOKEN, {"a": "x" * HEADER_LIMIT_BYTES})
    with pytest.raises(FramingError):
        encode(TOKEN, {}, bytes(PAYLOAD_LIMIT_BYTES + 1))


@pytest.mark.parametrize("header", [{"a": float("nan")}, {"a": float("inf")}, {"a": b"bytes"}, {"a": object()}])
def test_what_json_can_not_say_is_not_sent(header: dict[str, object]) -> None:
    with pytest.raises(FramingError):
        encode(TOKEN, header)


def test_a_header_that_contains_itself_is_not_sent() -> None:
    header: dict[str, object] = {}
    header["a"] = [header]
    with pytest.raises(FramingError):
        encode(TOKEN, header)


def test_a_token_of_another_length_is_refused() -> None:
    with pytest.raises(FramingError):
        encode(b"short", {})


def test_bytes_that_are_no_utf8_go_through_as_surrogates() -> None:
    name = b"/ipc/\xff".decode("utf-8", "surrogateescape")
    [frame] = Decoder().feed(encode(TOKEN, {"path": name}))
    assert frame.header["path"].encode("utf-8", "surrogateescape") == b"/ipc/\xff"


def test_a_frame_does_not_show_its_token() -> None:
    assert TOKEN.decode() not in repr(Frame(TOKEN, {"op": "ping"}, b"abc"))


def test_the_largest_payload_goes_through() -> None:
    payload = bytes(PAYLOAD_LIMIT_BYTES)
    [frame] = Decoder().feed(encode(TOKEN, {}, payload))
    assert frame.payload == payload


def test_both_ends_have_the_same_file() -> None:
    assert framing.__file__.endswith("orchestrator/agent/framing.py")
