"""The agent: our process inside a container, spoken to over its standard streams. See docs/architecture.md.

    python3 -I -S -B /usr/lib/ipclab/agent [FOLDER ...]

FIFOs and socket files are looked for below the folders: /ipc, /tmp and /dev/shm unless others are given.
"""

from __future__ import annotations

import os
import signal
import sys

from session import Session

FOLDERS = ("/ipc", "/tmp", "/dev/shm")


def main(folders: tuple[str, ...]) -> int:
    """Serve; the exit status."""
    os.umask(0o022)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    source, sink = _take_over_streams()
    return Session(source, sink, folders).run()


def _take_over_streams() -> tuple[int, int]:
    """Our own copies of standard input and output, which then lead nowhere; nothing that we inherited is handed on."""
    for name in os.listdir("/proc/self/fd"):
        _close_on_exec(int(name))
    source, sink = os.dup(0), os.dup(1)
    nowhere = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return source, sink


def _close_on_exec(fd: int) -> None:
    """Hand a descriptor on to no program, unless it is a standard one."""
    if fd > 2:
        try:
            os.set_inheritable(fd, False)
        except OSError:  # the one that the folder was read through
            return


if __name__ == "__main__":
    sys.exit(main(tuple(sys.argv[1:]) or FOLDERS))
