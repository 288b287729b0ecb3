"""What one process is waiting for, by the system call that it sleeps in; pipes and sockets have modules of their own.

A wait is told as the rest of a sentence that begins with the process's name. Names of calls are those that a C program
uses, not those of the kernel's table (`open`, not `openat`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from orchestrator.agent.fact import counted
from orchestrator.agent.facts import Process
from orchestrator.agent.processes import Syscall
from orchestrator.checks.scene import Scene
from orchestrator.display import printable


@dataclass(frozen=True, slots=True)
class Wait:
    """What a process does, and who could end it."""

    text: str
    on: frozenset[int] = frozenset()
    """The processes of this place any of which could let it go on, when that is known."""


Explain: TypeAlias = Callable[[Scene, Process, Syscall], Wait]

IN_C: Mapping[str, str] = {
    "accept4": "accept",
    "clock_nanosleep": "nanosleep",
    "epoll_pwait": "epoll_wait",
    "epoll_pwait2": "epoll_wait",
    "mq_timedreceive": "mq_receive",
    "mq_timedsend": "mq_send",
    "openat": "open",
    "openat2": "open",
    "ppoll": "poll",
    "pselect6": "select",
    "rt_sigsuspend": "sigsuspend",
    "rt_sigtimedwait": "sigtimedwait",
    "semtimedop": "semop",
    "wait4": "waitpid",
}
"""How a C program calls what the kernel calls otherwise."""


def called(call: Syscall) -> str:
    """`open()`."""
    return f"{IN_C.get(call.name, printable(call.name))}()"


def anything(scene: Scene, process: Process, call: Syscall) -> Wait:
    """A call of which no more is known than its name, and what its descriptor refers to."""
    return Wait(f"is in {called(call)}" + (f" of {printable(call.target)}" if call.target else ""))


def signal(scene: Scene, process: Process, call: Syscall) -> Wait:
    """pause() and its relatives."""
    return Wait(f"is in {called(call)}: it waits for a signal")


def children(scene: Scene, process: Process, call: Syscall) -> Wait:
    """wait() and its relatives."""
    alive = [one.pid for one in scene.children(process) if not one.zombie]
    if not alive:
        return Wait(f"is in {called(call)}")
    who = ", ".join(str(pid) for pid in sorted(alive))
    noun = "child" if len(alive) == 1 else "children"
    return Wait(f"is in {called(call)}: it waits for the end of its {noun} {who}", frozenset(alive))


def file_lock(scene: Scene, process: Process, call: Syscall) -> Wait:
    """flock() and fcntl(F_SETLKW)."""
    return Wait(f"is in {called(call)}: it waits for a lock" + (f" on {printable(call.target)}" if call.target else ""))


def semaphores(scene: Scene, process: Process, call: Syscall) -> Wait:
    """semop(): the set is known by its id."""
    number = call.args[0] if call.args else None
    found = next((one for one in scene.snapshot.sysv_sem if one.id == number), None)
    text = f"is in {called(call)} of set {number}" + (f" (key 0x{found.key & 0xFFFFFFFF:x})" if found else "")
    return Wait(text + _deserted(scene, process, "raise a semaphore of it"), _pids(scene.others(process)))


def messages(scene: Scene, process: Process, call: Syscall) -> Wait:
    """msgsnd() and msgrcv(): the queue is known by its id."""
    number = call.args[0] if call.args else None
    text = f"is in {called(call)} of queue {number}"
    found = next((one for one in scene.snapshot.sysv_msg if one.id == number), None)
    if found:
        text += f" (key 0x{found.key & 0xFFFFFFFF:x}), which holds {counted(found.qnum, 'message')}"
    deed = "send to it" if call.name == "msgrcv" else "take from it"
    return Wait(text + _deserted(scene, process, deed), _pids(scene.others(process)))


def posix_messages(scene: Scene, process: Process, call: Syscall) -> Wait:
    """mq_receive() and mq_send(): the queue is an open descriptor."""
    name = call.target or ""
    found = next((one for one in scene.snapshot.posix_mq if one.name == name), None)
    if found is None:
        return anything(scene, process, call)
    others = frozenset(found.open) - {process.pid}
    text = f"is in {called(call)} of {printable(name)}, which holds {counted(found.qsize, 'byte')}"
    return Wait(text + ("" if others else "; no other process here has it open"), others)


def _deserted(scene: Scene, process: Process, deed: str) -> str:
    """What to add when nobody is left who could help."""
    return "" if scene.others(process) else f"; no other program is left here that could {deed}"


def _pids(processes: list[Process]) -> frozenset[int]:
    return frozenset(one.pid for one in processes)
