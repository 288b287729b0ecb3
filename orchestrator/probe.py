"""What a container's kernel can do, tried from inside. Runs in a container of ours; `trial` sends its text there.

Standard library only, of Python 3.11; prints one JSON object. Each feature is used, not looked up: what is missing
gives the error that a student's program would get.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

PRIVATE = 0  # IPC_PRIVATE
MODE = 0o600
NAME = "ipclab-probe"
IPC_RMID = 0
LIMITS = {
    "memory": ("memory.max", "memory/memory.limit_in_bytes"),
    "swap": ("memory.swap.max", "memory/memory.memsw.limit_in_bytes"),
    "pids": ("pids.max", "pids/pids.max"),
}
"""Where cgroup v2 and v1 keep a limit. v1 counts memory and swap together."""
SYSCTLS = ("kernel.shmmni", "fs.mqueue.queues_max")
"""Settings of the IPC namespace that `trial` asks for, to see whether they take effect."""


def tried(action: Callable[[], object]) -> str:
    """What went wrong; nothing if nothing did."""
    try:
        action()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def system_v(make: str, remove: str, *arguments: int) -> None:
    """Make a System V object with one libc function and remove it with another."""
    libc = ctypes.CDLL(None, use_errno=True)
    number = getattr(libc, make)(PRIVATE, *arguments)
    if number == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    # semctl(id, semnum, cmd) has one argument more than shmctl(id, cmd, buf) and msgctl(id, cmd, buf).
    getattr(libc, remove)(number, *((0, IPC_RMID) if make == "semget" else (IPC_RMID, None)))


def file_in(folder: str) -> None:
    """Make a file there and remove it: in /dev/mqueue that is a POSIX queue, in /dev/shm shared memory."""
    path = Path(folder, NAME)
    path.touch(MODE, exist_ok=False)
    path.unlink()


def fifo_in(folder: str) -> None:
    """Make a FIFO there and remove it."""
    path = Path(folder, NAME)
    os.mkfifo(path, MODE)
    path.unlink()


def read(path: str) -> str:
    """What the file says; nothing when it can't be read."""
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def limit(*names: str) -> int | None:
    """A limit of this container's cgroup; None when it has none."""
    found = next((text for name in names if (text := read(f"/sys/fs/cgroup/{name}"))), "max")
    return int(found) if found.isdecimal() and int(found) < 2**60 else None


def is_pair_end() -> bool:
    """Whether eth0 is one end of a veth pair, whose other end lies in another network namespace."""
    index, peer = read("/sys/class/net/eth0/ifindex"), read("/sys/class/net/eth0/iflink")
    return bool(index) and index != peer


def ipv6_of(interface: str) -> list[str]:
    """The IPv6 addresses of an interface in the format of /proc/net/if_inet6, link-local ones left out."""
    rows = (line.split() for line in read("/proc/net/if_inet6").splitlines())
    return [row[0] for row in rows if row[5] == interface and row[3] == "00"]


def image_bytes() -> int:
    """What the files of the image take, read-only as they are; mounts left out."""
    root = os.lstat("/").st_dev
    total = 0
    for folder, below, names in os.walk("/"):
        below[:] = [name for name in below if os.lstat(os.path.join(folder, name)).st_dev == root]  # noqa: PTH118
        total += sum(os.lstat(os.path.join(folder, name)).st_size for name in names)  # noqa: PTH118
    return total


def facts() -> dict[str, object]:
    """Everything, by name. An empty string is a feature that works."""
    status = dict(line.split(":\t", 1) for line in read("/proc/self/status").splitlines() if ":\t" in line)
    room = os.statvfs("/")
    gcc = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=False)
    return {
        "sysv_shm": tried(lambda: system_v("shmget", "shmctl", 4096, MODE)),
        "sysv_sem": tried(lambda: system_v("semget", "semctl", 1, MODE)),
        "sysv_msg": tried(lambda: system_v("msgget", "msgctl", MODE)),
        "posix_mq": tried(lambda: file_in("/dev/mqueue")),
        "posix_shm": tried(lambda: file_in("/dev/shm")),
        "fifo": tried(lambda: fifo_in("/ipc")),
        "veth": is_pair_end(),
        "ipv6": bool(ipv6_of("eth0")),
        "init": read("/proc/1/cmdline").split("\0")[1:3],
        "seccomp": status.get("Seccomp", "0"),
        "no_new_privileges": status.get("NoNewPrivs", "0"),
        "limits": {name: limit(*places) for name, places in LIMITS.items()},
        "overlay": "overlay" in read("/proc/filesystems").split(),
        "sysctls": {name: read(f"/proc/sys/{name.replace('.', '/')}") for name in SYSCTLS},
        "free_bytes": room.f_bavail * room.f_frsize,
        "image_bytes": image_bytes(),
        "gcc": gcc.stdout.partition("\n")[0],
    }


if __name__ == "__main__":
    print(json.dumps(facts()))
