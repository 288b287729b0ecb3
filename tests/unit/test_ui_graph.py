"""The picture of a lab: whole, within its frame, and for the course's lab the one in the handbook."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.spec.lab import Lab
from orchestrator.spec.load import LabDefinition, load_lab_only
from orchestrator.ui.graph import draw

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
MONO_W, NAME_W, TITLE_W = 6.0, 7.2, 9.0
"""Widths of a character that common fonts do not exceed on average."""

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,15}(-[a-z0-9]{1,15})?", fullmatch=True)


@st.composite
def labs(draw_one: st.DrawFn) -> Lab:
    """Any lab: up to four hosts in up to three networks."""
    networks = draw_one(st.lists(NAMES, max_size=3, unique=True))
    hosts = {}
    for number, name in enumerate(draw_one(st.lists(NAMES, min_size=1, max_size=4, unique=True)), 2):
        links = [key for key in networks if draw_one(st.booleans())]
        hosts[name] = {
            "containers": {key: {} for key in draw_one(st.lists(NAMES, min_size=1, max_size=3, unique=True))},
            "share": draw_one(st.sets(st.sampled_from(["ipc", "net", "pid"]))),
            "networks": {
                key: {
                    "ipv4": f"10.{networks.index(key)}.0.{number}",
                    "ipv6": f"fd00:1234:5678:9abc:def0:1111:{networks.index(key)}:{number}",
                }
                for key in links
            },
            **({} if draw_one(st.booleans()) else {"volume": None}),
        }
    subnets = {
        key: {"ipv4": f"10.{number}.0.0/24", "ipv6": f"fd00:1234:5678:9abc:def0:1111:{number}:0/112"}
        for number, key in enumerate(networks)
    }
    title = draw_one(st.text(min_size=1, max_size=120))
    return Lab.model_validate({"title": title, "networks": subnets, "hosts": hosts})


def picture(lab: Lab) -> str:
    return draw(LabDefinition(Path("/labs/lab-99"), "lab-99", lab))


def number(element: ElementTree.Element, name: str) -> float:
    return float(element.get(name, "0"))


@settings(max_examples=40)
@given(labs())
def test_it_is_well_formed_whatever_the_lab_is_called(lab: Lab) -> None:
    root = ElementTree.fromstring(picture(lab))
    assert root.tag == f"{SVG}svg"
    texts = [element.text for element in root.iter(f"{SVG}text")]
    for name, host in lab.hosts.items():
        assert name in texts
        assert set(host.containers) <= set(texts)
    assert set(lab.networks) <= set(texts)


@settings(max_examples=40)
@given(labs())
def test_everything_is_within_its_frame(lab: Lab) -> None:
    root = ElementTree.fromstring(picture(lab))
    width, height = number(root, "width"), number(root, "height")
    for box in root.iter(f"{SVG}rect"):
        assert 0 <= number(box, "x") <= number(box, "x") + number(box, "width") <= width
        assert 0 <= number(box, "y") <= number(box, "y") + number(box, "height") <= height
    for text in root.iter(f"{SVG}text"):
        kind = text.get("class", "name")
        wide = len(text.text or "") * {"mono": MONO_W, "title": TITLE_W}.get(kind, NAME_W)
        left = number(text, "x") - (wide / 2 if text.get("text-anchor") == "middle" else 0)
        assert 0 <= left <= left + wide <= width, text.text


@settings(max_examples=40)
@given(labs())
def test_every_host_has_a_line_to_each_of_its_networks(lab: Lab) -> None:
    root = ElementTree.fromstring(picture(lab))
    lines = list(root.iter(f"{SVG}line"))
    assert len(lines) == sum(len(host.networks) for host in lab.hosts.values())
    assert len({number(line, "x1") for line in lines}) == len(lines), "no line hides another"


def test_the_same_lab_gives_the_same_bytes() -> None:
    lab = load_lab_only(ROOT / "labs" / "lab-11")
    assert draw(lab) == draw(lab)


def test_the_picture_in_the_handbook_is_current() -> None:
    committed = ROOT / "docs" / "lab-11.svg"
    current = draw(load_lab_only(ROOT / "labs" / "lab-11"))
    assert committed.read_text() == current, "write it anew: ipclab graph lab-11 -o docs/lab-11.svg"
