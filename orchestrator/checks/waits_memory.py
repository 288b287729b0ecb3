"""What a process waits for in memory: POSIX semaphores, mutexes and condition variables all sleep in futex().

The word it sleeps on tells which object that is: an address in one of its shared mappings. See futex(2).
"""

from __future__ import annotations

from orchestrator.agent.facts import Process
from orchestrator.agent.processes import SharedMapping, Syscall
from orchestrator.checks.scene import Scene
from orchestrator.checks.waits import Wait
from orchestrator.display import printable

FUTEX_PRIVATE_FLAG = 128
SHM = "/dev/shm/"
DELETED = " (deleted)"


def futex(scene: Scene, process: Process, call: Syscall) -> Wait:
    """A lock or semaphore in shared memory, or one that only its own threads can reach."""
    address = call.args[0] if call.args else 0
    mapping = next((one for one in process.maps if address in one), None)
    if mapping is None:
        return _unshared(process)
    others = _others(scene, process, mapping)
    text = f"waits for {_object(scene, mapping)}"
    # glibc sets this flag for what was initialised with pshared 0 or PTHREAD_PROCESS_PRIVATE.
    if len(call.args) > 1 and call.args[1] & FUTEX_PRIVATE_FLAG:
        return Wait(f"{text}, which was made for the threads of one process (pshared is 0): nobody else can wake it")
    if not others:
        return Wait(f"{text}; no other process here maps it, so nobody is left to wake it")
    return Wait(f"{text}; it is mapped by {scene.all_of(others)}, too", others)


def _unshared(process: Process) -> Wait:
    if process.threads > 1:
        return Wait("waits for another of its threads in futex()")
    return Wait("waits for a lock or semaphore in memory that it shares with no other process: nobody can wake it")


def _object(scene: Scene, mapping: SharedMapping) -> str:
    target = mapping.target.removesuffix(DELETED)
    semaphore = next((one for one in scene.snapshot.posix_sem if one.ino == mapping.ino and _is_shm(target)), None)
    if semaphore is not None:
        return f"the semaphore {printable(semaphore.name)} (value {semaphore.value})"
    if target.startswith(f"{SHM}sem."):
        return f"the semaphore /{printable(target.removeprefix(f'{SHM}sem.'))}"
    if target.startswith("/SYSV"):
        return f"a lock or semaphore in the System V segment with key 0x{target.removeprefix('/SYSV').lstrip('0')}"
    name = target.removeprefix(SHM.rstrip("/")) if _is_shm(target) else target
    return f"a lock or semaphore in the shared memory {printable(name)}"


def _is_shm(target: str) -> bool:
    return target.startswith(SHM)


def _others(scene: Scene, process: Process, mapping: SharedMapping) -> frozenset[int]:
    """Who else maps the same object; device and inode tell, names do not (sem_open() renames)."""
    same = (mapping.dev, mapping.ino)
    return frozenset(
        one.pid
        for one in scene.snapshot.process
        if one.pid != process.pid and not one.zombie and any((other.dev, other.ino) == same for other in one.maps)
    )
