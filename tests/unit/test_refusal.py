"""What an engine's words and silence become."""

from __future__ import annotations

import errno

import pytest

from orchestrator.engine.endpoint import Endpoint
from orchestrator.engine.refusal import refused, silent, unreachable
from orchestrator.errors import EngineError, EngineTimeout, EngineUnavailable, ObjectConflict, ObjectMissing

LOCAL = Endpoint("unix:///var/run/docker.sock")


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (404, "No such container: x", ObjectMissing),
        (404, "get x: no such volume", ObjectMissing),
        (409, 'Conflict. The container name "/x" is already in use by container "y".', ObjectConflict),
        (409, "network with name x already exists", ObjectConflict),
        (403, "Pool overlaps with other one on this address space", ObjectConflict),
        (403, "Address already in use", ObjectConflict),
        (403, "error while removing network: network x id y has active endpoints", ObjectConflict),
        (409, "removal of container x is already in progress", ObjectConflict),
        (500, "cannot join PID of a non running container: x", ObjectConflict),
        (500, "cannot join PID of a non running container: x: No such container: x", ObjectMissing),
        (500, "OCI runtime create failed", EngineError),
        (400, "client version 1.30 is too old. Minimum supported API version is 1.44", EngineUnavailable),
        (400, "client version 1.50 is too new. Maximum supported API version is 1.41", EngineUnavailable),
        (500, "", EngineError),
    ],
)
def test_a_refusal_says_what_we_wanted_and_what_was_said(status: int, message: str, kind: type[Exception]) -> None:
    error = refused("create it", status, message)
    assert type(error) is kind
    assert message in str(error)
    assert "create it" in str(error) or kind is EngineUnavailable


def test_silence_says_how_long() -> None:
    error = silent("create it", 60.0)
    assert type(error) is EngineTimeout
    assert "60 s" in str(error)


@pytest.mark.parametrize(
    ("cause", "fix"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), "usermod -aG docker"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), "systemctl start docker"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "systemctl start docker"),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "docker info"),
        (ValueError("anything"), "docker info"),
    ],
)
def test_who_can_not_be_reached_is_told_with_what_to_do(cause: Exception, fix: str) -> None:
    # As urllib3 and requests wrap it: among the arguments, or as the context.
    for error in (cause, Exception("aborted", cause), Exception(Exception("aborted", cause))):
        made = unreachable(LOCAL, error)
        assert type(made) is EngineUnavailable
        assert fix in made.fix
        assert LOCAL.url in made.what


def test_an_engine_behind_ssh_is_to_be_asked_over_ssh() -> None:
    assert "docker -H ssh://far info" in unreachable(Endpoint("ssh://far"), EOFError()).fix
