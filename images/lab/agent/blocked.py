"""Blocked calls: the system call that a thread sleeps in, and what it waits for, as far as memory and /proc tell."""

from __future__ import annotations

import os

import proc
import syscalls
from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mappings import Mapping

NAMES = syscalls.TABLES.get(os.uname().machine, {})
OPEN_NUMBERS = frozenset(number for number, name in NAMES.items() if name in syscalls.OPENS)
AT_FDCWD = -100
PAGE_BYTES = os.sysconf("SC_PAGESIZE")
PATH_MAX = 4096
ADDRESSES = 2**63
MOST_THREADS = 64


class Call:
    """A system call in progress: its number, its name and its six arguments."""

    __slots__ = ("args", "name", "number", "task")

    def __init__(self, task: str, number: int, args: list[int]) -> None:
        """A call of the thread whose folder in /proc is `task`."""
        self.task = task
        self.number = number
        self.name = NAMES.get(number, f"syscall {number}")
        self.args = args

    def fields(self, mappings: list[Mapping]) -> dict[str, Any]:
        """It as part of a fact; `mappings` is what memory the process shares, for the word of a futex."""
        fields: dict[str, Any] = {"name": self.name, "number": self.number, "args": self.args}
        if self.name in syscalls.ON_DESCRIPTOR:
            fields["fd"] = self.args[0]
            fields["target"] = as_text(proc.link(f"{self.task}/fd/{self.args[0]}"))
        elif self.name in syscalls.OPENS:
            fields["path"] = as_text(self.path())
        elif self.name in syscalls.ON_FUTEX:
            fields["target"] = next((as_text(one.target) for one in mappings if self._waits_in(one)), "")
        return fields

    def path(self) -> bytes:
        """The path that it opens, absolute and as its process sees it; empty when it can't be told."""
        path = self._path_argument()
        if not path or path.startswith(b"/"):
            return path
        folder = proc.link(f"{self.task}/{self._folder()}")
        return os.path.normpath(os.path.join(folder, path)) if folder else b""

    def opens(self, identity: tuple[int, int]) -> bool:
        """Whether the file that it opens is this one (dev, ino)."""
        path = self._path_argument()
        if not path:
            return False
        folder = "root" if path.startswith(b"/") else self._folder()
        try:
            status = os.stat(f"{self.task}/{folder}/".encode() + path.lstrip(b"/"))
        except (OSError, ValueError):  # it is no file any more, or was no path
            return False
        return (status.st_dev, status.st_ino) == identity

    def _waits_in(self, mapping: Mapping) -> bool:
        """Whether its first argument is an address in this mapping."""
        return mapping.start <= self.args[0] < mapping.start + mapping.size

    def _folder(self) -> str:
        """What a relative path starts from, as a link of the thread's folder in /proc."""
        fd = self.args[0] & 0xFFFFFFFF
        if self.name in syscalls.OPENS_BESIDE and fd != AT_FDCWD & 0xFFFFFFFF:
            return f"fd/{fd}"
        return "cwd"

    def _path_argument(self) -> bytes:
        """The path that was passed; empty when it can't be read."""
        return _string(self.task, self.args[syscalls.OPENS[self.name]])


def of(task: str) -> Call | None:
    """The call that a thread (`/proc/PID` or `/proc/PID/task/TID`) sleeps in; None when it runs or is out of reach."""
    fields = proc.read(f"{task}/syscall").split()
    if len(fields) != 9:  # "running", or "-1 SP PC" when it was stopped outside of any call
        return None
    return Call(task, int(fields[0]), [int(argument, 16) for argument in fields[1:7]])


def opening(pid: int, threads: int) -> list[Call]:
    """The calls of a process's threads that are opening a file now."""
    tasks = [f"/proc/{pid}"]
    if threads > 1:
        tasks = [f"/proc/{pid}/task/{thread}" for thread in proc.threads(pid)[:MOST_THREADS]]
    return [call for task in tasks if (call := of(task)) is not None and call.number in OPEN_NUMBERS]


def _string(task: str, address: int) -> bytes:
    """The text at an address of a thread's memory, up to its NUL; empty when it can't be read."""
    if not 0 < address < ADDRESSES:
        return b""
    try:
        fd = os.open(f"{task}/mem", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # gone, or refused
        return b""
    try:
        # A page at a time: the next one may not be there.
        text = os.pread(fd, PAGE_BYTES - address % PAGE_BYTES, address)
        if b"\0" not in text:
            text += os.pread(fd, PATH_MAX, address + len(text))
    except OSError:  # no memory of its own at this address
        return b""
    finally:
        os.close(fd)
    return text.partition(b"\0")[0][:PATH_MAX]
