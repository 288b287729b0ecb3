"""Curves as a picture (SVG) on logarithmic axes: what a check or a bench has measured, over sizes.

Nothing but the drawing: whoever measures says what was measured, and under which conditions, in title and labels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

WIDTH, HEIGHT = 560, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 120, 50, 56
COLOURS = ("#1f6fb4", "#d1661c", "#2f8f46", "#b03a3a", "#7a55b0", "#7f6a4f", "#c2579b", "#4f9aa8")
"""By the place of a curve's label among all labels: a thing keeps its colour from panel to panel."""

STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #1d2733 } .title { font-size: 15px; font-weight: 600 }
.paper { fill: #fff } .frame { fill: none; stroke: #4a6785 } .grid { stroke: #dfe5ec }
.curve { fill: none; stroke-width: 2 } .dashed { stroke-dasharray: 6 4 }"""


@dataclass(frozen=True, slots=True)
class Curve:
    """Points that belong together, all of them above zero; dashed for what the others are held against."""

    label: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Axes and the curves between them. `down` and `along` say what their numbers are."""

    title: str
    along: str
    down: str
    curves: Sequence[Curve]


@dataclass(frozen=True, slots=True)
class Axis:
    """A logarithmic scale of so many pixels, from one number to another."""

    low: float
    high: float
    pixels: float
    base: int

    @classmethod
    def over(cls, values: Sequence[float], pixels: float, base: int) -> Axis:
        """From the power of the base below all values to the one above them."""
        low, high = (math.log(bound(values), base) for bound in (min, max))
        first = math.floor(low + 1e-9)
        return cls(float(base) ** first, float(base) ** max(math.ceil(high - 1e-9), first + 1), pixels, base)

    def at(self, value: float) -> float:
        """How many pixels from its beginning."""
        return self.pixels * math.log(value / self.low) / math.log(self.high / self.low)

    def ticks(self) -> Iterator[float]:
        """The powers of the base, from the lowest on."""
        for exponent in range(round(math.log(self.high / self.low, self.base)) + 1):
            yield self.low * self.base**exponent


def drawn(title: str, panels: Sequence[Panel]) -> bytes:
    """A picture with its panels side by side, as SVG.

    Raises:
        ValueError: A panel has no points, or one that is not above zero.
    """
    labels = list(dict.fromkeys(curve.label for panel in panels for curve in panel.curves))
    colours = {label: COLOURS[place % len(COLOURS)] for place, label in enumerate(labels)}
    width, height = WIDTH * len(panels), HEIGHT + 30
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
        f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>',
    ]
    for place, panel in enumerate(panels):
        lines.append(f'<g transform="translate({WIDTH * place} 30)">')
        lines += _panel(panel, colours)
        lines.append("</g>")
    return "\n".join([*lines, "</svg>", ""]).encode()


def _panel(panel: Panel, colours: dict[str, str]) -> Iterator[str]:
    points = [point for curve in panel.curves for point in curve.points]
    if not points or min(min(point) for point in points) <= 0:
        raise ValueError("a logarithmic axis needs points above zero")
    across = Axis.over([x for x, _ in points], WIDTH - LEFT - RIGHT, 4)
    up = Axis.over([y for _, y in points], HEIGHT - TOP - BOTTOM, 10)
    foot = TOP + up.pixels
    yield f'<text x="{LEFT}" y="{TOP - 14}">{escape(panel.title)}</text>'
    for value in across.ticks():
        x = LEFT + across.at(value)
        yield f'<path class="grid" d="M{x:.1f} {TOP}V{foot:.1f}"/>'
        yield f'<text x="{x:.1f}" y="{foot + 18:.1f}" text-anchor="middle">{short(value)}</text>'
    for value in up.ticks():
        y = foot - up.at(value)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}h{across.pixels:.1f}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
    yield f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{across.pixels:.1f}" height="{up.pixels:.1f}"/>'
    middle = LEFT + across.pixels / 2
    yield f'<text x="{middle:.1f}" y="{foot + 40:.1f}" text-anchor="middle">{escape(panel.along)}</text>'
    turned = f"translate(18 {TOP + up.pixels / 2:.1f}) rotate(-90)"
    yield f'<text transform="{turned}" text-anchor="middle">{escape(panel.down)}</text>'
    for curve in panel.curves:
        yield from _curve(curve, colours[curve.label], across, up, foot)
    yield from _legend(panel.curves, colours)


def _curve(curve: Curve, colour: str, across: Axis, up: Axis, foot: float) -> Iterator[str]:
    places = [(LEFT + across.at(x), foot - up.at(y)) for x, y in sorted(curve.points)]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    yield f"<path class={_kind(curve)} stroke={quoteattr(colour)} d={quoteattr('M' + path)}/>"
    for x, y in places:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill={quoteattr(colour)}/>'


def _legend(curves: Sequence[Curve], colours: dict[str, str]) -> Iterator[str]:
    x = WIDTH - RIGHT + 12
    for row, curve in enumerate(curves):
        y = TOP + 12 + 18 * row
        yield f"<path class={_kind(curve)} stroke={quoteattr(colours[curve.label])} d={quoteattr(f'M{x} {y}h22')}/>"
        yield f'<text x="{x + 28}" y="{y + 4}">{escape(curve.label)}</text>'


def _kind(curve: Curve) -> str:
    return quoteattr("curve dashed" if curve.dashed else "curve")


def short(value: float) -> str:
    """A number of bytes as on an axis: 64, 4 Ki, 1 Mi."""
    for power, unit in ((1 << 20, " Mi"), (1 << 10, " Ki")):
        if value >= power:
            return f"{value / power:g}{unit}"
    return f"{value:g}"
