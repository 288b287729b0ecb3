"""Removals: the operation that takes away what a program left behind, with its owner's rights and no more.

A short-lived child of the agent becomes the owner and does it: the agent has no capability for it, and needs none.
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
PATHS = ("fifo", "socket_file", "file")
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
        """Have a child remove an object; answer when it has."""
        work, gone = _work(request)
        owner = (request.integer("uid"), request.integer("gid"))
        readable, writable = os.pipe2(os.O_CLOEXEC)
        try:
            pid = os.fork()
        except OSError:
            os.close(readable)
            raise
        else:
            if pid == 0:
                _work_as(owner, work, writable)
        finally:
            os.close(writable)
        self._family.add_hand(pid)

        def answer(status: int, _usage: object) -> None:
            with open(readable, "rb") as stream:
                _answer(request, status, stream.read(4096), gone)

        self._reaper.expect(pid, answer)


def _work(request: Request) -> tuple[Work, frozenset[int]]:
    """What removes the object, and which errors say that it was not there."""
    kind = request.text("kind")
    if kind in libc.SYSV_REMOVALS:
        number = request.integer("identity", high=2**31 - 1)
        return (lambda: libc.remove_sysv(kind, number)), GONE_ID
    identity = request.raw("identity")
    if kind in FOLDERS:
        path = FOLDERS[kind] + identity.removeprefix(b"/")
        if b"/" in identity.removeprefix(b"/"):
            raise request.wrong("identity", "a name with one slash, its first character")
        return (lambda: tree.remove(path)), GONE_FILE
    if kind in PATHS:
        return (lambda: tree.remove(identity)), GONE_FILE
    raise request.wrong("kind", f"one of {', '.join((*libc.SYSV_REMOVALS, *FOLDERS, *PATHS))}")


def _work_as(owner: tuple[int, int], work: Work, report: int) -> NoReturn:
    """In the child: become the owner, work, report why it failed."""
    try:
        privileges.become(*owner)
        work()
    except OSError as error:
        path = error.filename if isinstance(error.filename, bytes) else b""
        words = b": ".join(part for part in (path[:2048], (error.strerror or str(error)).encode()) if part)
        os.write(report, b"%d\0%b" % (error.errno or 0, words))
    except Exception as error:  # noqa: BLE001  whatever it is, the agent must hear of it
        os.write(report, b"0\0" + repr(error).encode()[:2048])
    finally:
        os._exit(0)


def _answer(request: Request, status: int, report: bytes, gone: frozenset[int]) -> None:
    """Tell the client what the child reported."""
    number, _, words = report.partition(b"\0")
    if not report and status == 0:
        request.answer({"removed": True})
    elif report and int(number) in gone:
        request.answer({"removed": False})
    else:
        what = as_text(words) or f"the child that should remove it ended with status {status}"
        request.refuse(Refusal(OS, what, errno=int(number or b"0")))
