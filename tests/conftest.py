"""What all tests share: a run that leaves a container, a network or a volume of ours behind has failed."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from orchestrator.connection import connected
from orchestrator.errors import MachineError
from orchestrator.lifecycle import instances

# Other workers and the engine use the processors, too: an example's time says nothing.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

# A script's background jobs ignore these, and so does all that they start: the tests send them.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as nohup(1) does

BEFORE = pytest.StashKey[set[str]]()
WITHOUT_ENGINE = Path(__file__).parent / "unit"


def present():
    """The instances on the engine; none when no engine answers."""
    try:
        with connected(install=False) as engine:
            return {str(name) for name in instances(engine)}
    except MachineError:
        return set()


def pytest_sessionstart(session):
    """Remember what was there before; only the process that starts the workers looks."""
    if not hasattr(session.config, "workerinput") and not _only_unit_tests(session.config):
        session.config.stash[BEFORE] = present()


def pytest_sessionfinish(session):
    """Compare with what is there now."""
    before = session.config.stash.get(BEFORE, None)
    left = set() if before is None else present() - before
    if left:
        session.config.get_terminal_writer().line(
            f"\nthese tests left instances behind: {', '.join(sorted(left))}", red=True
        )
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _only_unit_tests(config):
    return bool(config.args) and all(
        WITHOUT_ENGINE in [Path(one).resolve(), *Path(one).resolve().parents] for one in config.args
    )
