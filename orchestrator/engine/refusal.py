"""What an engine's refusal or silence means in our error tree. Pure: a status, a message or an OSError comes in.

The wording is Docker's; the numbers beside it are the HTTP status that Engine 20.10 was seen to give with it.
"""

from __future__ import annotations

import errno
import ssl

from orchestrator.engine.endpoint import Endpoint
from orchestrator.errors import (
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    MachineError,
    ObjectConflict,
    ObjectMissing,
)

NOT_FOUND = 404
CONFLICT = 409

GONE = ("no such container", "no such image", "no such volume", "no such network")
IN_THE_WAY = (
    "pool overlaps",  # 403, a network's addresses
    "address already in use",  # 403, a host's address
    "already exists",  # 403, 409: a network, an endpoint
    "already in use",  # 409, a container's name
    "has active endpoints",  # 403, removing a network
    "non running container",  # 409 for net, 500 for ipc and pid: joining one
    "is not running",  # 409 and, in a race with its death, 500
)
VERSIONS_APART = ("client version", "client is newer", "minimum supported api version", "maximum supported api version")


def refused(doing: str, status: int | None, message: str) -> MachineError:
    """The error for an answer that says no. `doing` is what we asked for: `create network X`."""
    message = " ".join(message.split()) or f"HTTP status {status}"
    text = message.lower()
    if any(part in text for part in VERSIONS_APART):
        return EngineUnavailable(f"the engine does not speak our version of its API: {message}", fix=UPGRADE)
    said = f"can't {doing}: {message}"
    # "cannot join PID of a non running container: …: No such container: …" is of one that is gone.
    if status == NOT_FOUND or any(part in text for part in GONE):
        return ObjectMissing(said)
    if status == CONFLICT or any(part in text for part in IN_THE_WAY):
        return ObjectConflict(said)
    return EngineError(said)


UPGRADE = "bring the engine to 20.10 or newer, or ipclab's Python packages up to date"


def silent(doing: str, timeout_s: float) -> EngineTimeout:
    """The error for an answer that did not come in time."""
    return EngineTimeout(
        f"can't {doing}: the engine did not answer within {timeout_s:g} s",
        fix="see whether it hangs (docker info) or the machine is overloaded, then try again",
    )


def unreachable(endpoint: Endpoint, error: BaseException) -> EngineUnavailable:
    """The error for a connection that could not be made or broke; says what to do about the cause, if it is known."""
    cause = _os_error(error)
    number = cause.errno if cause else None
    if endpoint.scheme == "ssh":
        return EngineUnavailable(
            f"no container engine answers through {endpoint.url}",
            fix=f"see what this says: docker -H {endpoint.url} info",
        )
    if isinstance(cause, ssl.SSLError):
        return EngineUnavailable(
            f"no TLS connection to the container engine at {endpoint.url}: {cause.reason or cause}",
            fix="see DOCKER_CERT_PATH (ca.pem, cert.pem and key.pem are in there) and DOCKER_TLS_VERIFY",
        )
    if number in (errno.EACCES, errno.EPERM):
        return EngineUnavailable(
            f"this user may not use the container engine at {endpoint.url}",
            fix="sudo usermod -aG docker $USER, then log in again",
        )
    if number in (errno.ENOENT, errno.ECONNREFUSED):
        return EngineUnavailable(
            f"no container engine answers at {endpoint.url}",
            fix="start it (sudo systemctl start docker) or name another in DOCKER_HOST",
        )
    return EngineUnavailable(
        f"the container engine at {endpoint.url} went away or can't be reached: {cause or error}",
        fix="see whether it runs (docker info), then try again",
    )


def _os_error(error: BaseException) -> OSError | None:
    """The system's own error below those of the HTTP libraries, which keep it in their arguments or their context."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, OSError) and one.errno is not None:
            return one
        waiting += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return None
