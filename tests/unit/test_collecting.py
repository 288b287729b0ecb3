"""What pytest collects of labs: ports that no two checks of a run share, drafts only when they are named."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.checks.fixtures import turn_of
from orchestrator.checks.parameters import PORTS
from orchestrator.checks.stash import STAGE

LAB = Path(__file__).parent.parent.parent / "labs/lab-11"


class Collector:
    """Keeps the ports of all checks that pytest finds."""

    def __init__(self):
        self.ports = {}

    def pytest_collection_finish(self, session):
        for item in session.items:
            stage = item.getparent(pytest.Module).stash[STAGE]
            self.ports[item.nodeid.rpartition("/")[2]] = stage.ports(turn_of(item))


def ports_of(*words):
    collector = Collector()
    code = pytest.main([*words, "--collect-only", "-q", "--seed", "s"], plugins=[collector])
    assert code == pytest.ExitCode.OK
    return collector.ports


def test_no_port_is_drawn_twice_in_a_run():
    ports = ports_of(str(LAB))
    drawn = Counter(port for some in ports.values() for port in some)
    assert len(drawn) > 100
    assert set(drawn.values()) == {1}
    assert set(drawn) < set(PORTS)


def test_a_check_that_is_replayed_alone_has_the_ports_that_it_had():
    whole = ports_of(str(LAB / "http"), str(LAB / "tcp"))
    alone = ports_of(str(LAB / "http"), "-k", "head or several")
    assert 0 < len(alone) < len(whole)
    assert alone.items() <= whole.items()


def test_drafts_are_collected_when_they_are_named(tmp_path):
    lab = tmp_path / "labs/lab-11"
    shutil.copytree(LAB, lab)
    text = (lab / "lab.yaml").read_text()
    assert ", tcp, " in text
    (lab / "lab.yaml").write_text(text.replace(", tcp, ", ", ") + "drafts: [tcp]\n")
    all_but_one = {nodeid.partition("::")[0] for nodeid in ports_of(str(lab))}
    assert "test_http.py" in all_but_one
    assert "test_tcp.py" not in all_but_one
    assert ports_of(str(lab / "tcp"))


def test_the_calls_of_a_parametrized_check_have_numbers_of_their_own(tmp_path):
    (tmp_path / "test_some.py").write_text(
        "import pytest\ndef test_first(): pass\n@pytest.mark.parametrize('n', range(3))\ndef test_second(n): pass\n"
    )
    turns = []

    class Turns:
        def pytest_collection_finish(self, session):
            turns.extend(turn_of(item) for item in session.items)

    pytest.main([str(tmp_path), "--collect-only", "-q", "-c", "/dev/null"], plugins=[Turns()])
    assert turns == [0, 1, 4, 7]
