"""Starting: from a request to a running program, with pipes between it and the agent."""

from __future__ import annotations

import os

import grants
import limits
from launch import Launch
from program import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from loop import Loop
    from mark import Marks
    from request import Request

DEFAULT_CAP_BYTES = 256 * 1024
CAP_LIMIT_BYTES = 8 * 1024 * 1024
"""The most of one stream: the payload of an answer holds two."""
BIGGEST_ID = 2**32 - 2
BIGGEST_CPU = 1023


def read_program(request: Request, number: int) -> Program:
    """The program of a `spawn` request, not started yet."""
    cap_bytes = request.integer("output_cap", DEFAULT_CAP_BYTES, high=CAP_LIMIT_BYTES)
    return Program(number, cap_bytes, request.optional_integer("output_kill"))


def read_launch(request: Request, marks: Marks, number: int) -> Launch:
    """What a `spawn` request starts."""
    owner = (
        request.integer("uid", os.getuid(), high=BIGGEST_ID),
        request.integer("gid", os.getgid(), high=BIGGEST_ID),
    )
    launch = Launch(request.arguments("argv"), request.environment("env"), request.raw("cwd", "/"), owner)
    launch.umask = request.integer("umask", 0o022, high=0o777)
    launch.limits = limits.read(request.mapping("limits"))
    launch.grants = grants.read(request.optional_words("grants"))
    launch.cpus = frozenset(request.numbers("cpus", high=BIGGEST_CPU))
    launch.put_mark = lambda: marks.put(number)
    return launch


def wants_stdin(request: Request) -> bool:
    """Whether the program gets a pipe to read; else it gets /dev/null."""
    stdin = request.header.get("stdin")
    if stdin not in (None, "pipe"):
        raise request.wrong("stdin", "null or `pipe`")
    if stdin is None and (request.payload or request.flag("stdin_open")):
        raise request.wrong("stdin", "`pipe` when there is something to read")
    return stdin is not None


def start(program: Program, launch: Launch, loop: Loop, stdin: bool, on_output: Callable[[], None]) -> None:
    """Start the program on new pipes.

    Raises:
        Refusal: It can't be executed.
        OSError: There are no more descriptors.
    """
    theirs: list[int] = []
    ours: list[int] = []
    try:
        _open_streams(stdin, theirs, ours)
        for descriptor in theirs[0 if stdin else 1 :]:
            _give(descriptor, launch)
        pid = launch.start((theirs[0], theirs[1], theirs[2]))
    except BaseException:
        _close(ours)
        raise
    finally:
        _close(theirs)
    program.run(loop, pid, ours[2] if stdin else None, (ours[0], ours[1]), on_output)


def _open_streams(stdin: bool, theirs: list[int], ours: list[int]) -> None:
    """Open what the program gets as 0, 1 and 2, and our ends of 1, 2 and, if it is a pipe, 0."""
    readable, writable = os.pipe2(os.O_CLOEXEC) if stdin else (os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), -1)
    theirs.append(readable)
    for _ in range(2):
        our_end, their_end = os.pipe2(os.O_CLOEXEC)
        ours.append(our_end)
        theirs.append(their_end)
    if stdin:
        ours.append(writable)


def _give(descriptor: int, launch: Launch) -> None:
    """Make the program's user the owner of a pipe, so that it can open /dev/stdout."""
    if (launch.uid, launch.gid) != (os.getuid(), os.getgid()):
        os.fchown(descriptor, launch.uid, launch.gid)


def _close(descriptors: list[int]) -> None:
    """Close them all."""
    for descriptor in descriptors:
        os.close(descriptor)
