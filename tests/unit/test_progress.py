"""What an engine says while it works on an image."""

from __future__ import annotations

import pytest

from orchestrator.engine.progress import LAST_LINES, follow
from orchestrator.errors import ImageError


def test_output_comes_in_whole_lines() -> None:
    said: list[str] = []
    follow(
        [{"stream": "Step 1"}, {"stream": "/2 : FROM x\n"}, {"stream": " ---> 1\r\n\nlast"}], said.append, doing="build"
    )
    assert said == ["Step 1/2 : FROM x", " ---> 1", "last"]


def test_the_bytes_of_a_layer_are_no_progress() -> None:
    said: list[str] = []
    events = [
        {"status": "Pulling from library/debian", "id": "slim"},
        {"status": "Downloading", "progressDetail": {"current": 1, "total": 2}, "id": "abc"},
        {"status": "Pull complete", "progressDetail": {}, "id": "abc"},
        {"aux": {"ID": "sha256:1"}},
    ]
    follow(events, said.append, doing="pull")
    assert said == ["slim Pulling from library/debian", "abc Pull complete"]


def test_a_failure_shows_the_last_lines_and_is_read_to_the_end() -> None:
    events = [
        *({"stream": f"line {number}\n"} for number in range(100)),
        {"error": "returned 1"},
        {"stream": "after\n"},
    ]
    left = iter(events)
    with pytest.raises(ImageError) as caught:
        follow(left, lambda line: None, doing="build image x")
    first, *tail = str(caught.value).splitlines()
    assert first == "can't build image x: returned 1"
    assert len(tail) == LAST_LINES
    assert tail[-1].strip() == "after"
    assert list(left) == []
