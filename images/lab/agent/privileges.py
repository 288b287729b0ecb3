"""Privileges: how a process of the agent becomes an ordinary user's for good.

Who it shall become does not belong here.
"""

from __future__ import annotations

import contextlib
import os
import signal

import grants
import libc
import proc

FIRST_CHOICE = b"1000"


def become(uid: int, gid: int, granted: frozenset[int] = frozenset()) -> None:
    """Turn this process into one of `uid` and `gid` that has the capabilities `granted` and can't gain any other.

    That holds for whatever it executes. One that is to stay the agent's own user keeps what the agent may.

    Raises:
        PermissionError: We are not root, or lack a capability that is granted.
    """
    if (uid, gid) != (os.getuid(), os.getgid()):
        _bound(granted)
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        libc.prctl(libc.PR_SET_KEEPCAPS, 1)
        os.setresuid(uid, uid, uid)
        libc.set_capabilities(grants.mask(granted))
        for capability in granted:  # an ambient one outlives execve(2)
            libc.prctl(libc.PR_CAP_AMBIENT, libc.PR_CAP_AMBIENT_RAISE, capability)
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies. To be called after `become`, which undoes it."""
    libc.prctl(libc.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def offer_to_oom_killer() -> None:
    """Make this process and what it forks die first when memory is short: the agent must live to tell.

    A program that means harm can take it back, and the agent, when it is the biggest of all, is the next choice then.
    Only CAP_SYS_RESOURCE could forbid that, which not every engine may give.
    """
    # A kernel without it (gVisor) chooses as it likes.
    with contextlib.suppress(FileNotFoundError):
        fd = os.open(b"/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(fd, FIRST_CHOICE)
        os.close(fd)


def _bound(granted: frozenset[int]) -> None:
    """Take every other capability out of the set that bounds what execve(2) can give. See capabilities(7)."""
    _, _, rest = proc.read("/proc/self/status").partition(b"\nCapBnd:\t")
    bounded = int(rest.split(None, 1)[0], 16)
    for capability in range(bounded.bit_length()):
        if bounded >> capability & 1 and capability not in granted:
            libc.prctl(libc.PR_CAPBSET_DROP, capability)
