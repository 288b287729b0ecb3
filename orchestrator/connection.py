"""The engine that commands work with: found where the docker command finds it, installed where that is ours to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestrator.engine.base import Engine
from orchestrator.engine.docker import DockerEngine
from orchestrator.errors import EngineUnavailable

Say = Callable[[str], None]


def connect(say: Say = lambda line: None, *, install: bool = True) -> Engine:
    """The engine; on a Debian machine of ours one is installed and started if none answers, unless `install` is False.

    Raises:
        EngineUnavailable: There is none.
    """
    try:
        return DockerEngine.connect()
    except EngineUnavailable as error:
        if not install:
            raise
        met = error
    # What to do about it costs an import that no other command need pay for.
    from orchestrator.engine.install import ensure_engine

    return ensure_engine(DockerEngine.connect, say, met=met)


@contextmanager
def connected(say: Say = lambda line: None, *, install: bool = True) -> Iterator[Engine]:
    """The engine while the block runs."""
    engine = connect(say, install=install)
    try:
        yield engine
    finally:
        engine.close()
