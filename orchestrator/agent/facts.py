"""All kinds of facts in one place: what a test author, a check or a report imports.

A kind is a class, defined beside its relatives in `sysv`, `posix`, `files`, `sockets`, `processes` or `limits`; its
`kind` is the agent's word for it.
"""

from __future__ import annotations

from orchestrator.agent.fact import Fact, Identity, Owner
from orchestrator.agent.files import Entry, Fifo, File, Pipe, SocketFile
from orchestrator.agent.limits import Limits
from orchestrator.agent.posix import PosixMq, PosixSem, PosixShm
from orchestrator.agent.processes import Namespaces, Process
from orchestrator.agent.snapshot import KINDS, Snapshot
from orchestrator.agent.sockets import Tcp, Udp, UnixSocket
from orchestrator.agent.sysv import SysvMsg, SysvSem, SysvShm

__all__ = [
    "KINDS",
    "Entry",
    "Fact",
    "Fifo",
    "File",
    "Identity",
    "Limits",
    "Namespaces",
    "Owner",
    "Pipe",
    "PosixMq",
    "PosixSem",
    "PosixShm",
    "Process",
    "Snapshot",
    "SocketFile",
    "SysvMsg",
    "SysvSem",
    "SysvShm",
    "Tcp",
    "Udp",
    "UnixSocket",
]
