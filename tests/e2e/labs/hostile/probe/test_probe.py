"""The check of probe; what the probes find is for tests/e2e/test_hostile_reach.py to judge."""

from orchestrator.checks import check


@check(points=1)
def test_an_intruder_says_how_it_went(intruder):
    """The intruder tries a path and says what came of it."""
    assert intruder.run(args=["read", "/nowhere"]).stdout == b"read /nowhere ENOENT\n"
