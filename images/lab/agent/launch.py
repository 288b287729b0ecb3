"""Launch: from a fork of the agent to another program under another user, with nothing of ours left on it.

What becomes of the program afterwards does not belong here.
"""

from __future__ import annotations

import errno
import os
import signal

import gate
import limits
import privileges
import refusal
from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

DEFAULT_PATH = b"/usr/bin:/bin"
COULD_NOT_EXECUTE = 127
REPORT_BYTES = 16_384
NICENESS = 10
"""A container's programs share one processor group with its agent: 64 of them that fought for memory kept it from
answering for 10 s, and with this for 3 s."""
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
"""The only dispositions that a program would inherit from us: handlers do not survive execve(2)."""


class Launch:
    """What to start: arguments, environment and all else that a process inherits."""

    __slots__ = ("argv", "cpus", "cwd", "env", "gid", "grants", "limits", "put_mark", "uid", "umask")

    def __init__(self, argv: list[bytes], env: dict[bytes, bytes], cwd: bytes, owner: tuple[int, int]) -> None:
        """Start `argv` in `cwd` as `owner` (uid, gid)."""
        self.argv = argv
        self.env = env
        self.cwd = cwd
        self.uid, self.gid = owner
        self.umask = 0o022
        self.limits: dict[str, int] = {}
        self.grants: frozenset[int] = frozenset()
        self.cpus: frozenset[int] = frozenset()
        self.put_mark: Callable[[], None] = lambda: None

    def start(self, streams: tuple[int, int, int]) -> int:
        """The process id, once the program runs in a session of its own on these descriptors (all above 2).

        Raises:
            Refusal: Kind `os`: it can't be executed, or could not be given what it shall inherit.
        """
        agent = os.getpid()
        failure, report = os.pipe2(os.O_CLOEXEC)
        try:
            pid = os.fork()
        except OSError as error:
            os.close(failure)
            os.close(report)
            raise refusal.of_kernel(error, "fork") from error
        if pid == 0:
            self._become_program(agent, streams, report)
        os.close(report)
        _refuse_reported(failure, pid)
        return pid

    def _become_program(self, agent: int, streams: tuple[int, int, int], report: int) -> NoReturn:
        """In the child: shed everything of the agent's, execute; report why not."""
        try:
            self._shed(agent, streams)
            self._execute()
        except Exception as error:  # noqa: BLE001  whatever it is, the agent must hear of it
            os.write(report, _reported(error))
        finally:
            os._exit(COULD_NOT_EXECUTE)

    def _shed(self, agent: int, streams: tuple[int, int, int]) -> None:
        """Take up what the program shall inherit. All other descriptors close on exec, like every one of Python's."""
        os.setsid()
        for number, descriptor in enumerate(streams):
            os.dup2(descriptor, number)
        for ignored in IGNORED_BY_PYTHON:
            signal.signal(ignored, signal.SIG_DFL)
        self.put_mark()
        os.nice(NICENESS)
        privileges.offer_to_oom_killer()
        os.umask(self.umask)
        privileges.become(self.uid, self.gid, self.grants)
        if self.uid != 0:  # root's programs are ours
            gate.close()
        privileges.die_with(agent)
        os.chdir(self.cwd)
        if self.cpus:
            os.sched_setaffinity(0, self.cpus)
        limits.apply(self.limits)

    def _execute(self) -> None:
        """Become the first of the files that `argv[0]` may mean; return only by raising OSError."""
        refused: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.argv[0])
        for path in self._candidates():
            try:
                os.execve(path, self.argv, self.env)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except PermissionError as error:  # execvp(3): another folder may hold one that we may execute
                refused = error
        raise refused

    def _candidates(self) -> list[bytes]:
        """The files that `argv[0]` may mean."""
        if b"/" in self.argv[0]:
            return [self.argv[0]]
        folders = self.env.get(b"PATH", DEFAULT_PATH).split(b":")
        return [os.path.join(folder or b".", self.argv[0]) for folder in folders]


def _reported(error: Exception) -> bytes:
    """An error as it goes through the pipe: its number, its words, the path that it is about."""
    if not isinstance(error, OSError):
        return b"%d\0%b\0" % (errno.ENOMEM if isinstance(error, MemoryError) else 0, repr(error).encode())
    path = error.filename if isinstance(error.filename, bytes) else b""
    return b"%d\0%b\0%b" % (error.errno or 0, (error.strerror or str(error)).encode(), path[:4096])


def _refuse_reported(failure: int, pid: int) -> None:
    """Wait until the child executes, which closes its end of the pipe, and refuse with what it reported instead."""
    with open(failure, "rb", closefd=True) as stream:
        report = stream.read(REPORT_BYTES)
    if not report:
        return
    os.waitpid(pid, 0)
    number, words, path = report.split(b"\0", 2)
    more = {"errno": int(number)} | ({"path": as_text(path)} if path else {})
    text = ": ".join(part for part in (as_text(path), words.decode()) if part)
    raise refusal.Refusal(refusal.OS, text, **more)
