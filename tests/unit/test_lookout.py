"""Waiting on a socket pair, the other end of which is in the test's hand."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from orchestrator.engine.lookout import AWAKE_S, Lookout


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_what_is_there_is_seen_also_without_patience(pair: tuple[socket.socket, socket.socket]) -> None:
    lookout = Lookout(pair[0])
    assert not lookout.wait(0.0)
    pair[1].send(b"x")
    assert all(lookout.wait(0.0) for _ in range(50))


def test_the_end_is_something_to_read(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[1].close()
    assert Lookout(pair[0]).wait(10.0)


def test_what_comes_while_it_sleeps_wakes_it(pair: tuple[socket.socket, socket.socket]) -> None:
    lookout = Lookout(pair[0])
    sender = threading.Timer(20 * AWAKE_S, pair[1].send, (b"x",))
    sender.start()
    assert lookout.wait(30.0)
    sender.join()


def test_nothing_is_told_after_the_patience_and_not_before(pair: tuple[socket.socket, socket.socket]) -> None:
    lookout = Lookout(pair[0])
    for patience_s in (0.0, AWAKE_S / 2, 0.01):
        began = time.monotonic()
        assert not lookout.wait(patience_s)
        assert time.monotonic() - began >= patience_s


def test_staying_awake_in_vain_is_given_up(pair: tuple[socket.socket, socket.socket]) -> None:
    lookout = Lookout(pair[0])
    began = time.thread_time()
    for _ in range(200):
        assert not lookout.wait(0.001)
    assert time.thread_time() - began < 200 * AWAKE_S / 2
