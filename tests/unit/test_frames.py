"""Docker's frames, however the pieces come."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.frames import Demultiplexer
from orchestrator.errors import EngineError

FRAMES = st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.binary(max_size=40)), max_size=12)


def encoded(frames: list[tuple[int, bytes]]) -> bytes:
    return b"".join(struct.pack(">BxxxI", stream, len(payload)) + payload for stream, payload in frames)


@given(FRAMES, st.lists(st.integers(0, 600), max_size=12))
def test_output_and_errors_come_out_whatever_the_pieces(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    wire = encoded(frames)
    edges = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    demultiplexer = Demultiplexer()
    fed = [demultiplexer.feed(wire[start:end]) for start, end in pairwise(edges)]
    assert b"".join(output for output, _ in fed) == b"".join(payload for stream, payload in frames if stream == 1)
    assert b"".join(errors for _, errors in fed) == b"".join(payload for stream, payload in frames if stream != 1)


@given(FRAMES)
def test_a_piece_gives_all_that_it_holds_at_once(frames: list[tuple[int, bytes]]) -> None:
    demultiplexer = Demultiplexer()
    for stream, payload in frames:
        fed = demultiplexer.feed(encoded([(stream, payload)]))
        assert fed == ((payload, b"") if stream == 1 else (b"", payload))


@given(st.binary(min_size=8, max_size=64))
def test_what_is_no_stream_of_frames_is_an_error_or_taken(noise: bytes) -> None:
    demultiplexer = Demultiplexer()
    try:
        output, errors = demultiplexer.feed(noise)
    except EngineError:
        return
    assert noise[0] <= 3
    assert len(output) + len(errors) <= len(noise) - 8


@pytest.mark.parametrize("header", [b"HTTP/1.1", b"\x04\0\0\0\0\0\0\1", b"\1\0\0\1\0\0\0\1"])
def test_a_header_that_docker_does_not_send_is_an_error(header: bytes) -> None:
    with pytest.raises(EngineError, match=header.hex()):
        Demultiplexer().feed(header)
