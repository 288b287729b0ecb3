"""What a check counts as left behind: what its programs have left, and nothing that it has put there itself."""

from __future__ import annotations

from typing import Any, cast

import pytest

from orchestrator.agent import Agent
from orchestrator.agent.scripted import ScriptedStream, answers
from orchestrator.checks.context import CheckContext
from orchestrator.checks.parameters import Params
from orchestrator.session import JUDGED, PEER, Session

STUDENT, ROOT = 1000, 0
LEFT, RIGHT = "alpha/left", "alpha/right"


class Host:
    """A session with one host, `alpha`, whose containers see what a test puts into `seen`."""

    def __init__(self) -> None:
        self.seen: dict[str, dict[str, list[dict[str, Any]]]] = {LEFT: {}, RIGHT: {}}

    def agent(self, place: str) -> Agent:
        answer = {"facts": self.seen[place], "truncated": [], "unavailable": {}}
        return Agent.over(ScriptedStream(answers(snapshot=answer)))

    def scope_of(self, place: str, kind: str) -> str:
        return place.partition("/")[0]


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def context(host: Host) -> CheckContext:
    return CheckContext(cast(Session, host), Params({}))


def file(path: str, uid: int = JUDGED.uid, *, dev: int = 1, ino: int = 2, type: str = "file") -> dict[str, Any]:
    return {"path": path, "type": type, "mode": 0o660, "uid": uid, "gid": 1000, "dev": dev, "ino": ino}


def left(context: CheckContext) -> list[str]:
    return [fact.describe().partition(",")[0] for fact in context.leftovers()]


def test_files_and_folders_of_a_program_are_left_over(host: Host, context: CheckContext) -> None:
    context.agent(LEFT)
    host.seen[LEFT] = {"entry": [file("/tmp/a"), file("/ipc/b", ino=3, type="dir"), file("/tmp/c", ino=4, type="link")]}
    assert left(context) == ["file /tmp/a", "folder /ipc/b", "link /tmp/c"]


def test_what_was_there_is_not_left_over_when_it_was_written_anew(host: Host, context: CheckContext) -> None:
    host.seen[LEFT] = {"entry": [file("/tmp/a"), file("/tmp/b", ino=3)]}
    context.agent(LEFT)
    host.seen[LEFT] = {"entry": [file("/tmp/a"), file("/tmp/b", ino=4)]}
    assert left(context) == []


@pytest.mark.parametrize("whose", [ROOT, PEER.uid, STUDENT])
def test_files_that_nobodys_submission_has_made_are_not_left_over(
    host: Host, context: CheckContext, whose: int
) -> None:
    context.agent(LEFT)
    host.seen[LEFT] = {"entry": [file("/ipc/given", whose), file("/ipc/folder", whose, ino=3, type="dir")]}
    assert left(context) == []


@pytest.mark.parametrize(
    ("whose", "counts"), [(ROOT, False), (PEER.uid, True), (STUDENT, True), (JUDGED.uid, True)]
)  # a peer's object is part of an exchange, whoever plays the other end
def test_channels_are_left_over_unless_the_check_itself_has_made_them(
    host: Host, context: CheckContext, whose: int, counts: bool
) -> None:
    context.agent(LEFT)
    owned = {"mode": 0o660, "uid": whose, "gid": 1000, "dev": 1}
    host.seen[LEFT] = {
        "fifo": [{**owned, "ino": 2, "path": "/ipc/p"}],
        "socket_file": [{**owned, "ino": 3, "path": "/ipc/s", "bound": False}],
        "posix_shm": [{**owned, "ino": 4, "name": "/m", "size": 1, "nlink": 1}],
        "posix_sem": [{**owned, "ino": 5, "name": "/s", "value": 1}],
        "posix_mq": [{**owned, "ino": 6, "name": "/q", "qsize": 0}],
    }
    assert bool(left(context)) is counts


def test_a_segment_that_was_given_away_is_left_over(host: Host, context: CheckContext) -> None:
    context.agent(LEFT)
    owner = {"mode": 0o660, "uid": ROOT, "gid": 0, "cuid": JUDGED.uid, "cgid": 1000, "ctime": 1}
    host.seen[LEFT] = {"sysv_shm": [{**owner, "key": 5, "id": 1, "size": 27, "nattch": 0, "cpid": 7, "lpid": 7}]}
    assert left(context) == ["System V segment key 0x5 (5)"]


def test_what_two_containers_see_is_one_file_and_what_each_has_is_two(host: Host, context: CheckContext) -> None:
    for place, own_dev in ((LEFT, 2), (RIGHT, 3)):
        context.agent(place)
        host.seen[place] = {"entry": [file("/ipc/shared"), file("/tmp/own", dev=own_dev)]}
    assert left(context) == ["file /ipc/shared", "file /tmp/own", "file /tmp/own"]
