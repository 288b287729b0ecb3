"""What a process waits for at a socket: in accept(), connect(), a receiving or a sending call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.agent.fact import counted
from orchestrator.agent.facts import Process, Tcp, Udp, UnixSocket
from orchestrator.agent.processes import Syscall
from orchestrator.checks.scene import Scene
from orchestrator.checks.waits import Wait, anything, called
from orchestrator.display import printable

SOCKET = re.compile(r"socket:\[(\d+)\]")


def is_socket(call: Syscall) -> bool:
    """Whether a call's descriptor is a socket."""
    return bool(SOCKET.fullmatch(call.target or ""))


@dataclass(frozen=True, slots=True)
class Sockets:
    """Explains calls on sockets; looks for other ends in other places, too."""

    elsewhere: Sequence[Scene] = ()

    def accepting(self, scene: Scene, process: Process, call: Syscall) -> Wait:
        """accept() waits for a client."""
        found = _socket(scene, call)
        match found:
            case UnixSocket():
                where, connected = f"on {printable(found.path)}", _unix_connections(scene, found, process)
            case Tcp():
                where, connected = f"on port {found.local.port}", _tcp_connections(scene, found)
            case _:
                return anything(scene, process, call)
        clients = f"{counted(connected, 'connection')} open" if connected else "nobody is connected"
        return Wait(f"is in {called(call)} {where}; {clients}")

    def connecting(self, scene: Scene, process: Process, call: Syscall) -> Wait:
        """connect() waits for the other side's answer."""
        found = _socket(scene, call)
        match found:
            case Tcp() if found.remote.port:
                return Wait(f"is in {called(call)} to {found.remote}; no answer has come")
            case UnixSocket():
                return Wait(f"is in {called(call)} to a Unix socket whose queue of waiting connections is full")
        return anything(scene, process, call)

    def receiving(self, scene: Scene, process: Process, call: Syscall) -> Wait:
        """A call that waits for data."""
        return self._transfer(scene, process, call, "with {recv_queue} unread")

    def sending(self, scene: Scene, process: Process, call: Syscall) -> Wait:
        """A call that waits for room."""
        return self._transfer(scene, process, call, "whose buffer is full")

    def _transfer(self, scene: Scene, process: Process, call: Syscall, state: str) -> Wait:
        found = _socket(scene, call)
        if found is None:
            return anything(scene, process, call)
        state = state.format(recv_queue=counted(found.recv_queue, "byte"))
        if isinstance(found, UnixSocket):
            return _unix(scene, process, call, found, state)
        if not found.remote.port:
            return Wait(f"is in {called(call)} on {found.noun} port {found.local.port} {state}")
        text = f"is in {called(call)} on a {found.noun} connection to {found.remote} {state}"
        for place in (scene, *self.elsewhere):
            peer = place.peer_of(found)
            if peer is not None and peer.pids:
                here = frozenset(peer.pids) - {process.pid} if place is scene else frozenset()
                return Wait(f"{text}; {_peers(place, peer.pids)}", here)
        return Wait(text)


def _socket(scene: Scene, call: Syscall) -> UnixSocket | Tcp | Udp | None:
    match = SOCKET.fullmatch(call.target or "")
    if match is None:
        return None
    ino = int(match[1])
    return scene.unix_socket(ino) or scene.internet_socket(ino)


def _unix(scene: Scene, process: Process, call: Syscall, mine: UnixSocket, state: str) -> Wait:
    peer = scene.unix_socket(mine.peer)
    if peer is None:
        name = f" {printable(mine.path)}" if mine.path else ""
        return Wait(f"is in {called(call)} on an unconnected Unix socket{name} {state}")
    name = printable(mine.path or peer.path)
    text = f"is in {called(call)} on a Unix connection{f' of {name}' if name else ''} {state}"
    if set(peer.pids) == {process.pid}:
        return Wait(f"{text}; it holds both ends of it itself")
    if not peer.pids:
        return Wait(f"{text}; no process holds its other end")
    return Wait(f"{text}; {_peers(scene, peer.pids)}", frozenset(peer.pids) - {process.pid})


def _peers(place: Scene, pids: Sequence[int]) -> str:
    """`the peer process server is in nanosleep()`."""
    process = place.process(pids[0]) if len(pids) == 1 else None
    if process is None:
        return f"the peer processes are {place.all_of(pids)}" if len(pids) > 1 else f"the peer is {place.all_of(pids)}"
    doing = f"is in {called(process.syscall)}" if process.syscall else "is running"
    return f"the peer process {place.who(process.pid)} {doing}"


def _tcp_connections(scene: Scene, listening: Tcp) -> int:
    """Connections to its port that a process holds."""
    return sum(
        one.local.port == listening.local.port and one.state == "established" and bool(one.pids)
        for one in scene.snapshot.tcp
    )


def _unix_connections(scene: Scene, listening: UnixSocket, process: Process) -> int:
    """Connections under its name that the process holds."""
    return sum(
        one.path == listening.path and one.state == "established" and process.pid in one.pids
        for one in scene.snapshot.unix_socket
    )
