"""Where each program is when the time is up, in sentences: pure, from a snapshot and the programs' names.

What a call means is in `waits` and its neighbours; here is what depends on no call (ended, stopped, busy), and what
only several processes together show (each waiting for the other).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from orchestrator.agent.facts import Process, Snapshot
from orchestrator.agent.processes import Syscall
from orchestrator.checks import waits, waits_memory, waits_pipe
from orchestrator.checks.scene import Scene
from orchestrator.checks.waits import Explain, Wait
from orchestrator.checks.waits_socket import Sockets, is_socket
from orchestrator.display import printable

BUSY = 0.5
"""Share of its time from which on a process that waits for something else is called busy."""
POLLING = 0.05
"""The same for one that sleeps between its looks."""
READS = frozenset({"read", "readv", "pread64", "preadv", "preadv2", "recvfrom", "recvmsg", "recvmmsg"})
WRITES = frozenset({"write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg"})
CALLS: Mapping[str, Explain] = {
    **dict.fromkeys(("open", "openat", "openat2", "creat"), waits_pipe.opening),
    **dict.fromkeys(("semop", "semtimedop"), waits.semaphores),
    **dict.fromkeys(("msgsnd", "msgrcv"), waits.messages),
    **dict.fromkeys(("mq_timedsend", "mq_timedreceive"), waits.posix_messages),
    **dict.fromkeys(("wait4", "waitid"), waits.children),
    **dict.fromkeys(("pause", "rt_sigsuspend", "rt_sigtimedwait"), waits.signal),
    **dict.fromkeys(("flock", "fcntl"), waits.file_lock),
    "futex": waits_memory.futex,
}


def diagnose(
    snapshot: Snapshot,
    names: Mapping[int, str],
    *,
    waited_s: float | None = None,
    elsewhere: Sequence[tuple[Snapshot, Mapping[int, str]]] = (),
) -> tuple[str, ...]:
    """One sentence for each program, and for each thing that several of them have run into together.

    Args:
        snapshot: The facts of one place.
        names: The programs that were started there: process id to name.
        waited_s: How long was waited for them, to tell working from waiting busily.
        elsewhere: Other places, to find the other ends of connections.
    """
    scene = Scene(snapshot, names)
    sockets = Sockets(tuple(Scene(*place) for place in elsewhere))
    found = {process.pid: _wait(scene, process, sockets, waited_s) for process in scene.programs()}
    ended = (f"{scene.who(pid)} has ended" for pid in sorted(names) if pid not in found)
    each = (f"{scene.who(pid)} {wait.text}" for pid, wait in found.items())
    return (*each, *ended, *_together(scene, found))


def _wait(scene: Scene, process: Process, sockets: Sockets, waited_s: float | None) -> Wait:
    """What one process does."""
    if process.state in ("Z", "X"):
        others = process.threads - 1
        return Wait(
            f"goes on in {others} threads: its first one has ended"
            if others > 0
            else "has ended but was never waited for"
        )
    if process.state == "T":
        return Wait("is stopped by a signal, and waits for SIGCONT")
    if process.state == "t":
        return Wait("is stopped by a tracer")
    if process.syscall is None or process.state == "R":
        return Wait(_running(process, waited_s))
    wait = _explain(scene, process.syscall, sockets)(scene, process, process.syscall)
    return Wait(wait.text + _polling(process, waited_s), wait.on)


def _explain(scene: Scene, call: Syscall, sockets: Sockets) -> Explain:
    """What can tell about a call."""
    if call.name in ("accept", "accept4"):
        return sockets.accepting
    if call.name == "connect":
        return sockets.connecting
    if call.name in READS:
        return sockets.receiving if is_socket(call) else waits_pipe.reading
    if call.name in WRITES:
        return sockets.sending if is_socket(call) else waits_pipe.writing
    return CALLS.get(call.name, waits.anything)


def _running(process: Process, waited_s: float | None) -> str:
    text = f"is running (no system call) and has used {process.cpu_s:.1f} s of CPU"
    if not waited_s:
        return text
    text = f"{text} in {waited_s:.1f} s"
    return f"{text}: it is busy waiting" if process.cpu_s >= BUSY * waited_s else text


def _polling(process: Process, waited_s: float | None) -> str:
    if not waited_s or process.cpu_s < POLLING * waited_s:
        return ""
    return (
        f"; it has used {process.cpu_s:.1f} s of CPU in {waited_s:.1f} s: it looks again and again instead of waiting"
    )


def _together(scene: Scene, found: Mapping[int, Wait]) -> Iterator[str]:
    """What pairs of processes have run into."""
    for one, wait in found.items():
        for other in sorted(wait.on):
            if other > one and other in found and wait.on == {other} and found[other].on == {one}:
                yield f"{scene.all_of((one, other))} wait for each other"
    yield from _crossed(scene)


def _crossed(scene: Scene) -> Iterator[str]:
    """All programs wait in open(), and not of one FIFO: the other end of each is for another of them to open."""
    alive = {process.pid for process in scene.programs() if not process.zombie}
    where = {pid: fifo.path for fifo in scene.snapshot.fifo for pid in fifo.waiting if pid in alive}
    if where.keys() == alive and len(set(where.values())) > 1:
        paths = ", ".join(f"{scene.who(pid)} {printable(path)}" for pid, path in sorted(where.items()))
        yield f"{scene.all_of(where)} open different FIFOs first ({paths}): each waits for the other"
