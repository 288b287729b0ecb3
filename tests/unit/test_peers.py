"""Scripted peers: who they run as."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.checks.fixtures import peer
from orchestrator.session import PEER, ROOT

LAB = Path("labs/lab-10/signals/test_signals.py")


@pytest.mark.parametrize(("options", "user"), [({}, PEER), ({"root": True}, ROOT)])
def test_a_scripted_peer_is_another_user_unless_its_check_wants_root(options, user):
    bench = SimpleNamespace(context=SimpleNamespace(session=None))
    program = peer(bench, SimpleNamespace(path=LAB))("alpha/left", "postman.py", "{log}", **options)
    assert program.build.user == user
    assert program.build.file == LAB.parent / "postman.py"
    assert program.model.args == ("{log}",)
