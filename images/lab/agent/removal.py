"""Removals: the operation that takes away what a program left behind, with its owner's rights and no more.

A short-lived child of the agent becomes the owner and does it: the agent has no capability for it, and needs none. One
child takes many objects: a program may leave thousands, and a fork costs as much as a hundred removals.
"""

from __future__ import annotations

import errno
import os

import libc
import privileges
import tree
from refusal import OS, Refusal
from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from family import Family
    from reaper import Reaper
    from request import Request

    Work = Callable[[], None]

FOLDERS = {"posix_shm": b"/dev/shm/", "posix_sem": b"/dev/shm/sem.", "posix_mq": b"/dev/mqueue/"}
PATHS = ("fifo", "socket_file", "entry", "file")
DONE = b"done "
GONE_FILE = frozenset((errno.ENOENT,))
GONE_ID = frozenset((errno.EINVAL, errno.EIDRM))
"""What shmctl(2), semctl(2) and msgctl(2) say of an id that is not there."""


class Removals:
    """Answers `remove`."""

    def __init__(self, reaper: Reaper, family: Family) -> None:
        """Fork children that the reaper waits for."""
        self._reaper = reaper
        self._family = family

    def operations(self) -> dict[str, Callable[[Request], None]]:
        """The operations by name."""
        return {"remove": self._remove}

    def _remove(self, request: Request) -> None:
        """Have a child remove one object, or several of one owner; answer when it has."""
        many = "identities" in request.header
        works = [_work(one) for one in (request.each("identities", "identity") if many else [request])]
        gone = GONE_ID if request.text("kind") in libc.SYSV_REMOVALS else GONE_FILE
        owner = (request.integer("uid"), request.integer("gid"))
        readable, writable = os.pipe2(os.O_CLOEXEC)
        try:
            pid = os.fork()
        except OSError:
            os.close(readable)
            raise
        else:
            if pid == 0:
                _work_as(owner, lambda: _count(works, gone), writable)
        finally:
            os.close(writable)
        self._family.add_hand(pid)

        def answer(status: int, _usage: object) -> None:
            with open(readable, "rb") as stream:
                _answer(request, status, stream.read(4096), many)

        self._reaper.expect(pid, answer)


def _work(request: Request) -> Work:
    """What removes the object that a request names. Raises Refusal when it names none."""
    kind = request.text("kind")
    if kind in libc.SYSV_REMOVALS:
        number = request.integer("identity", high=2**31 - 1)
        return lambda: libc.remove_sysv(kind, number)
    identity = request.raw("identity")
    if kind in FOLDERS:
        path = FOLDERS[kind] + identity.removeprefix(b"/")
        if b"/" in identity.removeprefix(b"/"):
            raise request.wrong("identity", "a name with one slash, its first character")
        return lambda: tree.remove(path)
    if kind in PATHS:
        return lambda: tree.remove(identity)
    raise request.wrong("kind", f"one of {', '.join((*libc.SYSV_REMOVALS, *FOLDERS, *PATHS))}")


def _count(works: list[Work], gone: frozenset[int]) -> int:
    """Remove the objects; how many were there. Raises OSError for the first that can't be removed."""
    removed = 0
    for work in works:
        try:
            work()
        except OSError as error:
            if error.errno not in gone:
                raise
        else:
            removed += 1
    return removed


def _work_as(owner: tuple[int, int], work: Callable[[], int], report: int) -> NoReturn:
    """In the child: become the owner, work, report how much was done, or why it failed."""
    try:
        privileges.become(*owner)
        os.write(report, DONE + b"%d" % work())
    except OSError as error:
        path = error.filename if isinstance(error.filename, bytes) else b""
        words = b": ".join(part for part in (path[:2048], (error.strerror or str(error)).encode()) if part)
        os.write(report, b"%d\0%b" % (error.errno or 0, words))
    except Exception as error:  # noqa: BLE001  whatever it is, the agent must hear of it
        os.write(report, b"0\0" + repr(error).encode()[:2048])
    finally:
        os._exit(0)


def _answer(request: Request, status: int, report: bytes, many: bool) -> None:
    """Tell the client what the child reported."""
    if report.startswith(DONE):
        removed = int(report.removeprefix(DONE))
        request.answer({"removed": removed if many else removed > 0})
        return
    number, _, words = report.partition(b"\0")
    what = as_text(words) or f"the child that should remove it ended with status {status}"
    request.refuse(Refusal(OS, what, errno=int(number or b"0")))
