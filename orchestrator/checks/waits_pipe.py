"""What a process waits for at a pipe or a FIFO: in open(), read() or write()."""

from __future__ import annotations

import re

from orchestrator.agent.facts import Fifo, Process
from orchestrator.agent.processes import Syscall
from orchestrator.checks.scene import Scene
from orchestrator.checks.waits import Wait, anything, called
from orchestrator.display import printable

O_ACCMODE = 3
O_WRONLY = 1
PIPE = re.compile(r"pipe:\[(\d+)\]")
STANDARD = {0: "its standard input", 1: "its standard output", 2: "its standard error"}


def opening(scene: Scene, process: Process, call: Syscall) -> Wait:
    """open() of a FIFO waits for its other end."""
    fifo = scene.fifo(call.path, waiting=process.pid)
    path = fifo.path if fifo else call.path
    if path is None:
        return Wait(f"is in {called(call)}")
    if fifo is None:
        return Wait(f"is in {called(call)} of {printable(path)}")
    mine, others = ("writing", "reading") if opens_for_writing(call) else ("reading", "writing")
    holders = fifo.readers if mine == "writing" else fifo.writers
    end = f"{scene.all_of(holders)} has it open for {others}" if holders else f"no process has it open for {others}"
    return Wait(f"is in {called(call)} of {printable(path)} for {mine}; {end}", frozenset(holders))


def opens_for_writing(call: Syscall) -> bool:
    """Whether an open() asks for the writing end."""
    place = 1 if call.name == "open" else 2
    flags = call.args[place] if len(call.args) > place else 0
    return call.name == "creat" or flags & O_ACCMODE == O_WRONLY


def reading(scene: Scene, process: Process, call: Syscall) -> Wait:
    """read() of an empty pipe waits for a writer, or for the last writing end to be closed."""
    return _at_end(scene, process, call, "writer", "of")


def writing(scene: Scene, process: Process, call: Syscall) -> Wait:
    """write() to a full pipe waits for a reader."""
    return _at_end(scene, process, call, "reader", "to")


def is_pipe(scene: Scene, call: Syscall) -> bool:
    """Whether a call's descriptor is an end of a pipe or a FIFO."""
    target = call.target or ""
    return bool(PIPE.fullmatch(target)) or scene.fifo(target) is not None


def _at_end(scene: Scene, process: Process, call: Syscall, role: str, preposition: str) -> Wait:
    """A call on one end; `role` is what the processes at the other end are."""
    target = call.target or ""
    fifo = scene.fifo(target)
    holders = _holders(scene, target, fifo, role)
    if holders is None:
        return anything(scene, process, call)
    name = printable(target) if fifo else "a pipe"
    standard = STANDARD.get(-1 if call.fd is None else call.fd)
    known = {one.pid for one in scene.programs()}
    # The agent holds the other end of what it gave to the program: whoever reads this did not make that pipe.
    if standard and fifo is None and holders.isdisjoint(known):
        return Wait(f"is in {called(call)} {preposition} {standard}, whose other end the check holds")
    others = frozenset(holders - {process.pid})
    return Wait(f"is in {called(call)} {preposition} {name}{_end(scene, process, holders, role)}", others)


def _holders(scene: Scene, target: str, fifo: Fifo | None, role: str) -> set[int] | None:
    """Who has the end that the call waits for; None when it is no pipe."""
    match = PIPE.fullmatch(target)
    pipe = fifo or (scene.pipe(int(match[1])) if match else None)
    if pipe is None:
        return None
    return set(pipe.writers if role == "writer" else pipe.readers)


def _end(scene: Scene, process: Process, holders: set[int], role: str) -> str:
    """Who is at the other end."""
    if not holders:
        return f" that has no {role}"
    if holders == {process.pid}:
        return f" whose only {role} is itself: it has not closed that end"
    also = "; it holds that end open itself, too" if process.pid in holders else ""
    held = scene.all_of(holders - {process.pid})
    return f"; its {role} is {held}{also}" if len(holders - {process.pid}) == 1 else f"; its {role}s are {held}{also}"
