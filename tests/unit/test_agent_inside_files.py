"""Files that the agent writes, reads and removes for its client, in folders that a student may have prepared."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.agent.framing import PAYLOAD_LIMIT_BYTES
from tests.unit.agent_inside import AgentInside, Refused, needs_root, open_to_all

STUDENT: dict[str, Any] = {"uid": 4321, "gid": 4322}
OWN: dict[str, Any] = {"uid": os.getuid(), "gid": os.getgid()}


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentInside]:
    with AgentInside((tmp_path_factory.mktemp("channels"),)) as agent:
        yield agent


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_comes_back_as_it_was_put(agent: AgentInside, tmp_path: Path) -> None:
    data = bytes(range(256)) * 1000
    assert agent.call("put", data, path=str(tmp_path / "file"), mode=0o2750)["size"] == len(data)
    answer = agent.call("get", path=str(tmp_path / "file"))
    assert answer.payload == data
    assert answer.ok == {"size": len(data), "mode": 0o2750, **OWN}
    assert names(tmp_path) == ["file"]


def test_the_largest_file_goes_both_ways(agent: AgentInside, tmp_path: Path) -> None:
    data = bytes(PAYLOAD_LIMIT_BYTES)
    agent.call("put", data, path=str(tmp_path / "file"))
    assert agent.call("get", path=str(tmp_path / "file")).payload == data


def test_a_file_that_is_longer_than_asked_for_is_refused(agent: AgentInside, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(11))
    assert agent.call("get", path=str(tmp_path / "file"), max=11)["size"] == 11
    with pytest.raises(Refused) as refused:
        agent.call("get", path=str(tmp_path / "file"), max=10)
    assert refused.value.kind == "limit"


def test_a_file_is_replaced_at_once_and_its_other_name_keeps_the_old_content(
    agent: AgentInside, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("old")
    os.link(tmp_path / "file", tmp_path / "other")
    agent.call("put", b"new", path=str(tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "new"
    assert (tmp_path / "other").read_text() == "old"


def test_missing_folders_are_made_when_asked_for(agent: AgentInside, tmp_path: Path) -> None:
    path = str(tmp_path / "a" / "b" / "file")
    with pytest.raises(Refused) as refused:
        agent.call("put", b"x", path=path)
    assert (refused.value.kind, refused.value.error["errno"], refused.value.error["path"]) == ("os", 2, path)
    agent.call("put", b"x", path=path, parents=True)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("path", ["relative", "/a/../b", "/", "", "//"])
def test_a_path_that_is_none_is_refused(agent: AgentInside, path: str) -> None:
    for op in ("put", "get"):
        with pytest.raises(Refused):
            agent.call(op, path=path)


def test_a_link_on_the_way_is_not_followed(agent: AgentInside, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("secret")
    (tmp_path / "link").symlink_to("secret")
    for op in ("put", "get"):
        with pytest.raises(Refused) as refused:
            agent.call(op, path=str(tmp_path / "link" / "file"))
        assert refused.value.kind == "os"
    assert (tmp_path / "secret" / "file").read_text() == "secret"


def test_a_link_at_the_end_is_neither_read_nor_replaced(agent: AgentInside, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("secret")
    (tmp_path / "link").symlink_to("target")
    for op in ("put", "get"):
        with pytest.raises(Refused):
            agent.call(op, path=str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path) == ["link", "target"]


def test_what_is_no_file_is_neither_read_nor_replaced(agent: AgentInside, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    for name in ("fifo", "folder"):
        for op in ("put", "get"):
            with pytest.raises(Refused) as refused:
                agent.call(op, path=str(tmp_path / name))
            assert refused.value.kind == "os"
    with pytest.raises(Refused):
        agent.call("get", path="/dev/zero")


def test_a_fifo_with_a_writer_does_not_hold_up_the_agent(agent: AgentInside, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    end = os.open(tmp_path / "fifo", os.O_RDWR)
    with pytest.raises(Refused):
        agent.call("get", path=str(tmp_path / "fifo"))
    os.close(end)


def test_a_file_is_removed_once(agent: AgentInside, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    request: dict[str, Any] = {"kind": "file", "identity": str(tmp_path / "file"), **OWN}
    assert agent.call("remove", **request)["removed"] is True
    assert agent.call("remove", **request)["removed"] is False
    assert names(tmp_path) == []


def test_a_folder_goes_with_what_is_in_it_but_not_with_what_it_links_to(agent: AgentInside, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    inner = tmp_path / "folder" / "inner"
    inner.mkdir(parents=True)
    (inner / "link").symlink_to(tmp_path / "kept")
    os.mkfifo(inner / "fifo")
    (tmp_path / "folder" / "locked").mkdir(mode=0)
    assert agent.call("remove", kind="file", identity=str(tmp_path / "folder"), **OWN)["removed"] is True
    assert names(tmp_path) == ["kept"]
    assert names(tmp_path / "kept") == ["file"]


def test_folders_may_be_nested_deeper_than_a_path_can_say(agent: AgentInside, tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        for _ in range(1500):
            Path("dddd").mkdir()
            os.chdir("dddd")
        Path("file").touch()
    assert agent.call("remove", kind="entry", identity=str(tmp_path / "dddd"), **OWN)["removed"] is True
    assert names(tmp_path) == []


def test_many_are_removed_at_once_and_counted(agent: AgentInside, tmp_path: Path) -> None:
    paths = [str(tmp_path / str(number)) for number in range(300)]
    for path in paths:
        Path(path).touch()
    answer = agent.call("remove", kind="entry", identities=[*paths, str(tmp_path / "gone")], **OWN)
    assert answer["removed"] == 300
    assert names(tmp_path) == []


def test_removals_do_not_wait_for_each_other(agent: AgentInside, tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / str(number)).write_text("x")
    asked = {agent.send("remove", kind="file", identity=str(tmp_path / str(number)), **OWN) for number in range(20)}
    answers = [agent.receive().header for _ in asked]
    assert {answer["id"] for answer in answers} == asked
    assert all(answer["ok"]["removed"] for answer in answers)


@needs_root
def test_a_removal_has_the_rights_of_its_owner_and_no_more(agent: AgentInside, tmp_path: Path) -> None:
    open_to_all(tmp_path)
    (tmp_path / "mine").write_text("x")
    with pytest.raises(Refused) as refused:
        agent.call("remove", kind="file", identity=str(tmp_path / "mine"), **STUDENT)
    assert refused.value.error["errno"] == 13
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", STUDENT["uid"], STUDENT["gid"])
    agent.call("put", b"x", path=str(tmp_path / "theirs" / "file"), **STUDENT)
    assert (tmp_path / "theirs" / "file").stat().st_uid == STUDENT["uid"]
    assert agent.call("remove", kind="file", identity=str(tmp_path / "theirs" / "file"), **STUDENT)["removed"] is True


@needs_root
def test_a_folder_that_turns_into_a_link_leads_nowhere(agent: AgentInside, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (tmp_path / "real").mkdir()
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (tmp_path / "real").rename(tmp_path / "aside")
            (tmp_path / "real").symlink_to(target)
            (tmp_path / "real").unlink()
            (tmp_path / "aside").rename(tmp_path / "real")

    attacker = threading.Thread(target=swap)
    attacker.start()
    try:
        for number in range(200):
            try:
                agent.call("put", b"x", path=str(tmp_path / "real" / str(number)))
            except Refused as refused:
                assert refused.kind == "os"
    finally:
        stop.set()
        attacker.join()
    assert names(target) == []
