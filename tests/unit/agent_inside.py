"""The agent as a child process of the tests, spoken to frame by frame: no container, no client of ours in between."""

from __future__ import annotations

import importlib
import os
import secrets
import select
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import pytest

from orchestrator.agent.framing import TOKEN_BYTES, VERSION, Decoder, Frame, encode

FOLDER = Path(__file__).parents[2] / "images" / "lab" / "agent"
PATIENCE_S = 30.0
AWAITED_S = 20.0
"""Less than the patience, so that it is the agent that says what did not come true."""
ENVIRONMENT = {"PATH": os.environ.get("PATH", "/usr/bin:/bin")}
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can start a program as another user")


class Refused(Exception):
    """The agent answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["what"])
        self.error = error
        self.kind: str = error["kind"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came under `ok`, and the payload."""

    ok: dict[str, Any]
    payload: bytes

    def __getitem__(self, field: str) -> Any:
        return self.ok[field]

    @property
    def facts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ok["facts"]
        return found

    @property
    def fact(self) -> dict[str, Any]:
        [found] = self.facts
        return found


@dataclass
class AgentInside:
    """One agent; `folders` are those in which it looks for FIFOs and socket files."""

    folders: tuple[Path, ...] = ()
    token: bytes = field(default_factory=lambda: secrets.token_bytes(TOKEN_BYTES))

    def __post_init__(self) -> None:
        argv = [sys.executable, "-I", "-S", "-B", str(FOLDER), *map(str, self.folders)]
        pipe = subprocess.PIPE
        self.errors = b""
        """What it printed on standard error, once it has ended."""
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  closed by `wait_for_end`
        self.process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=self._stderr, bufsize=0)
        self._decoder = Decoder(self.token)
        self._arrived: list[Frame] = []
        self._last_id = 0

    def __enter__(self) -> Self:
        self.hello = self.call("hello", version=VERSION)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def send(self, op: str, payload: bytes = b"", **fields: Any) -> int:
        """Ask, and give the number of the question."""
        self._last_id += 1
        self.write(encode(self.token, {"id": self._last_id, "op": op, **fields}, payload))
        return self._last_id

    def write(self, data: bytes) -> None:
        """Put bytes on the stream; an agent that is gone takes none."""
        assert self.process.stdin is not None
        try:
            while data:
                data = data[self.process.stdin.write(data) or 0 :]
        except BrokenPipeError:
            return

    def receive(self) -> Frame:
        """The next frame that comes."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + PATIENCE_S
        while not self._arrived:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the agent did not answer"
            data = self.process.stdout.read(65536)
            assert data, f"the agent ended with status {self.wait_for_end()}: {self.errors.decode()}"
            self._arrived += self._decoder.feed(data)
        return self._arrived.pop(0)

    def call(self, op: str, payload: bytes = b"", **fields: Any) -> Answer:
        """Ask, and wait for the answer."""
        number = self.send(op, payload, **fields)
        frame = self.receive()
        assert frame.header["id"] == number
        if "error" in frame.header:
            raise Refused(frame.header["error"])
        return Answer(frame.header["ok"], frame.payload)

    def run(self, *argv: str, **fields: Any) -> Answer:
        """Run a program to its end."""
        return self.call("run", **_program(argv, fields), timeout_s=PATIENCE_S)

    def spawn(self, *argv: str, payload: bytes = b"", **fields: Any) -> Answer:
        """Start a program."""
        return self.call("spawn", payload, **_program(argv, fields))

    def finish(self, started: Answer) -> Answer:
        """The result of a program."""
        return self.call("finish", proc=started["proc"], timeout_s=PATIENCE_S)

    def wait(self, kind: str, count: dict[str, int] | None = None, **match: Any) -> list[dict[str, Any]]:
        """The facts that match, once enough do."""
        return self.call("wait", kind=kind, match=match, count=count or {"min": 1}, timeout_s=AWAITED_S).facts

    def printed(self, started: Answer, text: bytes) -> bytes:
        """What a program has printed, once `text` is in it."""
        deadline = time.monotonic() + PATIENCE_S
        while text not in (output := self.call("output", proc=started["proc"])).payload:
            assert time.monotonic() < deadline, f"{text!r} is not in {output.payload!r}"
        return output.payload

    def end(self) -> int:
        """End its stream; its exit status."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.wait_for_end()

    def wait_for_end(self) -> int:
        """Its exit status, once it has one."""
        try:
            return self.process.wait(PATIENCE_S)
        finally:
            self._let_go()

    def _let_go(self) -> None:
        """Close our ends of its streams; kill it if it has not ended."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        if not self._stderr.closed:
            self._stderr.seek(0)
            self.errors = self._stderr.read()
            self._stderr.close()


def _program(argv: tuple[str, ...], fields: dict[str, Any]) -> dict[str, Any]:
    return {"argv": list(argv), "env": ENVIRONMENT, **fields}


def python(script: str) -> tuple[str, ...]:
    """The arguments of a Python program."""
    return (sys.executable, "-I", "-S", "-c", script)


def module(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """One of the agent's modules, as the agent imports it."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module(name)


def open_to_all(folder: Path) -> None:
    """Let every user reach a folder of pytest's, which are for one user only."""
    while not folder.stat().st_mode & 0o001:
        folder.chmod(0o755)
        folder = folder.parent


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
