"""Parts of the agent by themselves: what they make of texts, bytes and conditions."""

from __future__ import annotations

import os
import resource
import struct
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.agent_inside import module

relaxed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def part(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return module(request.param, monkeypatch)


def the(name: str) -> pytest.MarkDecorator:
    """The module that a test is about."""
    return pytest.mark.parametrize("part", [name], indirect=True)


@the("processes")
def test_what_is_said_of_a_process_that_is_gone(part: ModuleType) -> None:
    said = part._status(b"")
    assert (said["uid"], said["voluntary_switches"], said["involuntary_switches"]) == (None, 0, 0)
    assert said["sig"] == {"pending": [], "blocked": [], "ignored": [], "caught": []}


@the("proc")
@pytest.mark.parametrize("comm", [b"sh", b"a b", b"x) R 1 (", b"", b"\xff)", b"(((("])
def test_a_process_name_can_not_confuse_the_reader_of_stat(part: ModuleType, comm: bytes) -> None:
    rest = b"S 7 8 9 0 -1 4194560 100 0 0 0 12 34 56 78 20 0 3 0 5678 1000 200 18446744073709551615 1 1 0 0 0 0"
    stat = part.Stat(42, b"42 (" + comm + b") " + rest)
    assert (stat.comm, stat.state, stat.ppid, stat.pgid, stat.sid) == (comm, "S", 7, 8, 9)
    assert (stat.children_utime, stat.children_stime) == (56, 78)
    assert (stat.utime, stat.stime, stat.threads, stat.start, stat.alive) == (12, 34, 3, 5678, True)


@the("proc")
def test_what_is_not_there_is_empty(part: ModuleType) -> None:
    assert part.read("/proc/0/stat") == b""
    assert part.link("/proc/0/exe") == b""
    assert part.stat(2**30) is None
    assert part.namespace(2**30, "ipc") is None


@the("proc")
def test_a_long_text_is_read_to_its_limit(part: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * 200_000)
    assert len(part.read(str(tmp_path / "long"))) == 200_000
    assert len(part.read(str(tmp_path / "long"), 100_000)) == 100_000


@the("mappings")
def test_a_mapping_is_taken_apart(part: ModuleType) -> None:
    line = b"7f1c4000-7f1c6000 rw-s 00000000 00:1f 3                          /SYSV0000162e (deleted)"
    mapping = part.Mapping(line)
    assert (mapping.start, mapping.size, mapping.perms, mapping.ino) == (0x7F1C4000, 0x2000, "rw-s", 3)
    assert (mapping.dev, mapping.target) == (os.makedev(0, 31), b"/SYSV0000162e (deleted)")
    assert part.Mapping(b"7f1c4000-7f1c6000 rw-s 00000000 00:01 3").target == b""


@the("inet")
def test_a_row_of_udp_is_taken_apart(part: ModuleType) -> None:
    row = b"7: %08X:162E 00000000:0000 07 00000001:00000300 00:00000000 00000000  1000 0 4242 2 0 0"
    fact = part._udp_fact(2, (row % int.from_bytes(bytes([127, 0, 0, 1]), sys.byteorder)).split())
    assert fact["local"] == {"ip": "127.0.0.1", "port": 5678}
    assert (fact["state"], fact["send_queue"], fact["recv_queue"]) == ("unconnected", 1, 768)
    assert (fact["uid"], fact["ino"], fact["family"]) == (1000, 4242, 4)


@the("diagnosis")
def test_attributes_are_found_and_one_of_no_length_ends_them(part: ModuleType) -> None:
    header = struct.Struct("=HH")
    body = b"head" + header.pack(6, 2) + b"ab\0\0" + header.pack(8, 5) + b"1234"
    assert part.attributes(body, 4) == {2: b"ab", 5: b"1234"}
    assert part.attributes(body[:14], 4) == {2: b"ab"}
    assert part.attributes(b"head" + header.pack(0, 0), 4) == {}


@the("capture")
@relaxed
@given(cap=st.integers(0, 40), pieces=st.lists(st.binary(max_size=30), max_size=12))
def test_a_capture_keeps_the_first_half_and_the_last_rest(part: ModuleType, cap: int, pieces: list[bytes]) -> None:
    capture = part.Capture(cap)
    for piece in pieces:
        capture.take(piece)
    printed = b"".join(pieces)
    tail = cap - cap // 2
    expected = printed if len(printed) <= cap else printed[: cap // 2] + (printed[-tail:] if tail else b"")
    assert capture.kept() == expected
    assert (capture.total_bytes, capture.kept_bytes) == (len(printed), len(expected))


@the("mark")
def test_a_mark_is_read_from_what_the_kernel_says_of_limits(part: ModuleType) -> None:
    marks = part.Marks()
    own = resource.getrlimit(part.RLIMIT_LOCKS)[1]
    ceiling = part.CEILING if own == resource.RLIM_INFINITY else own
    line = "Max file locks            {0}        {0}        locks     \n"
    assert marks.read(("Limit  Soft  Hard\n" + line.format(ceiling - 7)).encode()) == 7
    assert marks.read(line.format("unlimited").encode()) is None
    assert marks.read(line.format(ceiling + 1).encode()) is None
    assert marks.read(b"") is None


@the("blocked")
def test_the_tables_of_system_calls_agree_with_this_machine(part: ModuleType) -> None:
    call = part.of("/proc/thread-self")
    assert call is None or call.name == "read"
    assert part.NAMES, "there is no table for this machine"
    assert part.OPEN_NUMBERS


@the("text")
@relaxed
@given(st.binary(max_size=40).filter(lambda data: b"\0" not in data))
def test_all_bytes_but_nul_are_text_and_back(part: ModuleType, data: bytes) -> None:
    assert part.as_bytes(part.as_text(data)) == data


@the("text")
@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_a_text_that_is_no_bytes_is_an_error(part: ModuleType, text: str) -> None:
    with pytest.raises(ValueError):
        part.as_bytes(text)


FACT = {
    "key": 5678, "attached": [7, 8], "path": "/ipc/x", "dest": False, "peer": None,
    "local": {"ip": "10.11.0.2", "port": 5678},
    "fds": [{"fd": 0, "kind": "fifo", "mode": "r"}, {"fd": 1, "kind": "pipe"}],
}  # fmt: skip


@the("match")
@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"key": 5678}, True),
        ({"key": 5679}, False),
        ({"key": 5678, "path": "/ipc/y"}, False),
        ({"peer": None}, True),
        ({"peer": {"ne": None}}, False),
        ({"peer": {"ge": 0}}, False),
        ({"key": {"ge": 5678, "le": 5678}}, True),
        ({"key": {"ge": 5679}}, False),
        ({"path": {"ge": 1}}, False),
        ({"dest": {"ge": 0}}, False),
        ({"key": {"in": [1, 5678]}}, True),
        ({"key": {"in": []}}, False),
        ({"attached": {"contains": 7}}, True),
        ({"attached": {"contains": 9}}, False),
        ({"attached": {"length": 2}}, True),
        ({"attached": [7, 8]}, True),
        ({"path": {"contains": "ipc"}}, True),
        ({"path": {"contains": 1}}, False),
        ({"peer": {"contains": 1}}, False),
        ({"local.port": 5678}, True),
        ({"local.port": {"le": 5677}}, False),
        ({"local": {"ip": "10.11.0.2", "port": 5678}}, True),
        ({"peer.port": 1}, False),
        ({"peer.port": None}, True),
        ({"fds": {"contains": {"kind": "fifo", "mode": "r"}}}, True),
        ({"fds": {"contains": {"kind": "fifo", "fd": {"ge": 1}}}}, False),
    ],
)
def test_a_match_holds_or_not(part: ModuleType, conditions: dict[str, Any], holds: bool) -> None:
    match = part.Match(conditions)
    assert match.accepts(FACT) is holds
    assert match.may_accept({}) is True
    assert match.may_accept(FACT) is holds


@the("match")
@pytest.mark.parametrize(
    "conditions",
    [
        {"key": {"ge": "1"}},
        {"key": {"ge": True}},
        {"key": {"in": 1}},
        {"key": {"length": "1"}},
        {"key": {"ge": 1, "gt": 2}},
    ],
)
def test_a_condition_that_is_none_is_refused(part: ModuleType, conditions: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="key") as refused:
        part.Match(conditions)
    assert getattr(refused.value, "kind", None) == "usage"


@the("match")
def test_a_match_says_where_to_look(part: ModuleType) -> None:
    match = part.Match({"pid": 7, "state": {"ne": "Z"}})
    assert (match.value("pid"), match.value("state"), match.value("uid")) == (7, None, None)


@the("paths")
@relaxed
@given(st.lists(st.sampled_from(["a", "b", ".", "..", "", "link", "x" * 300]), max_size=6))
def test_no_path_leads_out_of_where_it_says(part: ModuleType, tmp_path: Path, names: list[str]) -> None:
    inside = tmp_path / "inside"
    if not inside.exists():
        (inside / "a" / "b").mkdir(parents=True)
        (inside / "link").symlink_to("/etc")
    path = f"{inside}/{'/'.join(names)}"
    try:
        with part.place(path.encode()) as place:
            folder = Path(f"/proc/self/fd/{place.folder}").readlink()
    except OSError:
        return
    assert folder == Path(os.path.normpath(path)).parent


@the("loop")
def test_timers_are_called_in_order_and_cancelled_ones_are_not(part: ModuleType) -> None:
    loop = part.Loop()
    called: list[str] = []
    loop.after(0.02, loop.stop)
    loop.after(0.01, lambda: called.append("second"))
    loop.after(0.0, lambda: called.append("first"))
    loop.after(0.005, lambda: called.append("never")).cancel()
    for _ in range(1000):
        loop.after(60, lambda: None).cancel()
    loop.run()
    assert called == ["first", "second"]


@the("loop")
def test_a_timer_that_is_due_in_a_lifetime_holds_nothing_up(part: ModuleType) -> None:
    loop = part.Loop()
    loop.after(1e9, lambda: None)
    readable, writable = os.pipe()
    loop.watch(readable, part.READABLE, loop.stop)
    os.write(writable, b"x")
    loop.run()


@the("loop")
@pytest.mark.parametrize("delay_s", [0.0, 0.0005, 0.05, 0.11])
def test_a_timer_is_not_called_before_its_time(part: ModuleType, delay_s: float) -> None:
    loop = part.Loop()
    due = time.monotonic() + delay_s
    loop.after(delay_s, loop.stop)
    loop.run()
    assert time.monotonic() >= due


@the("loop")
def test_a_watch_that_another_call_of_the_round_has_ended_is_not_made(part: ModuleType) -> None:
    loop = part.Loop()
    readable, writable = os.pipe()
    other, other_writable = os.pipe()
    called: list[int] = []

    def first(own: int, rest: int) -> None:
        called.append(own)
        loop.unwatch(rest)
        loop.unwatch(own)
        loop.after(0, loop.stop)

    loop.watch(readable, part.READABLE, lambda: first(readable, other))
    loop.watch(other, part.READABLE, lambda: first(other, readable))
    os.write(writable, b"x")
    os.write(other_writable, b"x")
    loop.run()
    assert len(called) == 1
    for descriptor in (readable, writable, other, other_writable):
        os.close(descriptor)
