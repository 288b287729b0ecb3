"""Curves on logarithmic axes: where points land, what the picture says, and what is refused."""

from xml.etree import ElementTree

import pytest

from orchestrator.checks.chart import Axis, Curve, Panel, drawn, short

SVG = "{http://www.w3.org/2000/svg}"


def panel(*curves: Curve) -> Panel:
    return Panel("one processor", "bytes in a block", "MB/s", curves)


def texts(picture: bytes) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def test_a_picture_says_what_was_measured() -> None:
    picture = drawn(
        "Speed", [panel(Curve("pipe", [(64, 100), (4096, 3000)]), Curve("floor", [(64, 900)], dashed=True))]
    )
    said = texts(picture)
    for words in ("Speed", "one processor", "bytes in a block", "MB/s", "pipe", "floor", "64", "4 Ki", "100", "10000"):
        assert words in said


def test_names_are_no_markup() -> None:
    assert '<&">' in texts(drawn('<&">', [panel(Curve("<b>", [(1, 1)]))]))


def test_equal_ratios_are_equally_far_apart() -> None:
    axis = Axis.over([64, 4096, 1 << 20], 300, 4)
    assert (axis.low, axis.high) == (64, 1 << 20)
    assert axis.at(256) - axis.at(64) == pytest.approx(axis.at(1 << 20) - axis.at(1 << 18))
    assert (axis.at(64), axis.at(1 << 20)) == (0, pytest.approx(300))
    assert list(axis.ticks()) == [64 * 4**power for power in range(8)]


def test_one_value_is_no_empty_axis() -> None:
    axis = Axis.over([1000], 100, 10)
    assert (axis.low, axis.high) == (1000, 10000)


def test_a_curve_keeps_its_colour_from_panel_to_panel() -> None:
    first, second = panel(Curve("pipe", [(1, 1)]), Curve("shm", [(1, 2)])), panel(Curve("shm", [(1, 3)]))
    paths = [
        element.get("stroke")
        for element in ElementTree.fromstring(drawn("", [first, second])).iter(f"{SVG}path")
        if element.get("stroke")
    ]
    pipe, shm = paths[0], paths[1]
    assert pipe != shm
    assert paths[-1] == shm


@pytest.mark.parametrize("points", [[], [(64, 0)], [(0, 64)], [(64, -1)]])
def test_what_has_no_logarithm_is_refused(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="above zero"):
        drawn("", [panel(Curve("pipe", points))])


def test_sizes_are_short() -> None:
    assert [short(value) for value in (64, 4096, 65536, 1 << 20)] == ["64", "4 Ki", "64 Ki", "1 Mi"]
