"""What pytest collects of labs: drafts only when they are named."""

import shutil
from pathlib import Path

import pytest

LAB = Path(__file__).parent.parent.parent / "labs/lab-11"


class Collector:
    """Keeps the exercises of all checks that pytest finds."""

    def __init__(self):
        self.found = set()

    def pytest_collection_finish(self, session):
        self.found = {item.path.parent.name for item in session.items}


def exercises_in(*words):
    collector = Collector()
    assert pytest.main([*map(str, words), "--collect-only", "-q"], plugins=[collector]) == pytest.ExitCode.OK
    return collector.found


def test_drafts_are_collected_when_they_are_named(tmp_path, monkeypatch):
    lab = tmp_path / "labs/lab-11"
    shutil.copytree(LAB, lab)
    text = (lab / "lab.yaml").read_text()
    assert ", tcp, " in text
    (lab / "lab.yaml").write_text(text.replace(", tcp, ", ", ") + "drafts: [tcp]\n")
    found = exercises_in(lab)
    assert "http" in found
    assert "tcp" not in found
    assert exercises_in(lab / "tcp") == {"tcp"}
    monkeypatch.chdir(lab)
    assert exercises_in("./udp/../tcp/test_tcp.py") == {"tcp"}
    assert "tcp" in exercises_in(".", "http/../tcp")
