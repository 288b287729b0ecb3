"""What is kept between commands: a resolved definition and a settled world, both only as long as nothing changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator import kept, settled
from orchestrator.engine.fake import FakeEngine
from orchestrator.labels import InstanceName
from orchestrator.resolved import Definition
from orchestrator.world import Bind, Observed

NAME = InstanceName("lab-90", "kept")
LAB = """\
title: A lab
networks: {lan: {ipv4: 10.90.0.0/28, ipv6: "fd00:90::/64"}}
hosts:
  alpha:
    containers: {left: {}, right: {}}
    networks: {lan: {ipv4: 10.90.0.3, ipv6: "fd00:90::3"}}
  lone: {containers: {solo: {}}, share: [ipc]}
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = tmp_path / "lab-90"
    folder.mkdir()
    (folder / "lab.yaml").write_text(LAB)
    return folder


def definition(lab, *, image="ipclab/lab:test"):
    return Definition(lab, NAME, {"lab": image}, (Bind("/somewhere", "/work"),))


def test_what_is_read_back_equals_what_was_resolved(lab):
    first = definition(lab).desired(Observed())
    assert kept.read(NAME, "resolved")
    assert definition(lab).desired(Observed()) == first


@pytest.mark.parametrize("change", ["definition", "image", "slot", "damage"])
def test_a_change_is_resolved_anew(lab, change):
    first = definition(lab).desired(Observed())
    observed, image = Observed(), "ipclab/lab:test"
    if change == "definition":
        (lab / "lab.yaml").write_text(LAB.replace("right: {}", "middle: {}"))
    elif change == "image":
        image = "ipclab/lab:other"
    elif change == "slot":
        observed = Observed(subnets=(("another", ("10.90.0.0/28",)),))
    else:
        kept.write(NAME, "resolved", "{ not JSON")
    again = definition(lab, image=image).desired(observed)
    assert (again == first) is (change == "damage")


def test_a_settled_world_is_known_until_it_changes(lab):
    engine = FakeEngine()
    references = settled.all_references()
    assert not settled.is_settled(engine, lab, NAME)
    settled.remember(lab, NAME, references, engine.observe(NAME, images=tuple(references.values())))
    assert settled.is_settled(engine, lab, NAME)
    with (lab / "lab.yaml").open("a") as file:
        file.write("# another word\n")
    assert not settled.is_settled(engine, lab, NAME)


def test_the_code_that_decides_is_part_of_every_digest():
    assert any(Path(line.split(" ")[0]).name == "reconcile.py" for line in kept.code())
