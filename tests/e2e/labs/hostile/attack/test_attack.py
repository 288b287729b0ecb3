"""Checks of attack: whether the program did its work, and whether the next check finds the hosts as they were."""

import pytest

from orchestrator.agent.facts import Snapshot
from orchestrator.checks import check

PLACES = ("alpha/left", "alpha/right", "beta/main")


@check(points=1, hint="It need not do more than the brief says.")
def test_program_says_that_it_is_done(program, leftovers):
    """The program prints `done`, exits with 0 and leaves nothing behind."""
    ended = program.run()
    assert ended.stdout == b"done\n"
    assert ended.exit == 0
    assert not leftovers()


@check(points=1)
def test_next_check_finds_the_hosts_as_they_were(lab, reference):
    """Nothing of the program is left on any host, and our program works there."""
    for place in PLACES:
        found = lab.agent(place).snapshot()
        assert not found.new_since(Snapshot())
        assert not found.entry
    assert reference.program.run().stdout == b"done\n"


@check(points=1)
def test_what_is_skipped_earns_nothing():
    """A check that is skipped is blocked."""
    pytest.skip("on purpose")
