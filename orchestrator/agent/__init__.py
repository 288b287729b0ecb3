"""Our side of the agent: calls (`client`), facts (`facts`), conditions on them (`match`), programs (`process`)."""

from orchestrator.agent.channel import Reply
from orchestrator.agent.client import Agent
from orchestrator.agent.content import Content
from orchestrator.agent.hello import Hello
from orchestrator.agent.notyet import NotYet
from orchestrator.agent.process import PIPE, Command, Output, Process, Result, Survivor
from orchestrator.agent.snapshot import Snapshot

__all__ = [
    "PIPE",
    "Agent",
    "Command",
    "Content",
    "Hello",
    "NotYet",
    "Output",
    "Process",
    "Reply",
    "Result",
    "Snapshot",
    "Survivor",
]
