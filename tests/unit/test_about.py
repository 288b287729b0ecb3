"""What a worker of a run tells the process that started it."""

from __future__ import annotations

import pytest

from orchestrator.checks.stage import About
from orchestrator.errors import EngineTimeout, ImageError, InternalError, IpclabError, MachineError, UsageError


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UsageError("no such thing", fix="name another"), UsageError),
        (ImageError("can't build it", fix="try again"), MachineError),
        (EngineTimeout("it is silent"), MachineError),
        (InternalError("a bug"), InternalError),
    ],
)
def test_an_error_keeps_its_words_and_whose_problem_it_is(error: IpclabError, kind: type[IpclabError]) -> None:
    found = About.from_plain(About(error=error).plain()).error
    assert type(found) is kind
    assert (str(found), found.exit_code) == (str(error), error.exit_code)


def test_what_it_ran_on_comes_back() -> None:
    about = About({"name": "Docker"}, {"ipclab/lab:1": "sha256:1"}, {"fifo": "the reference solution"})
    assert About.from_plain(about.plain()) == about
    assert About.from_plain({}) == About()
