"""A lab's hosts as a picture (SVG): what each container shares with its neighbours, and which networks link hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from orchestrator.spec.lab import Address, Host, Lab
from orchestrator.spec.load import LabDefinition

MARGIN, GAP, PAD = 24, 14, 16
MOST_IN_ROW = 4
HEAD_H, CONTAINER_H, ROW_H = 40, 50, 26
CONTAINER_W = 104
LABEL_GAP = 8
NETWORK_H, NETWORK_GAP = 30, 58
TITLE_W, NAME_W, MONO_W = 9.5, 8.0, 6.7
"""Widths of a character, generously: whose fonts will draw the picture is not known."""

NAMESPACES = {"ipc": "IPC", "net": "network", "pid": "PID"}

STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #1d2733 }
.title { font-size: 17px; font-weight: 600 } .name { font-weight: 600 } .mono { font: 11px ui-monospace, monospace }
.host { fill: #f4f7fb; stroke: #4a6785; stroke-width: 1.5 } .container { fill: #fff; stroke: #4a6785 }
.shared { fill: #dcebdd; stroke: #5c8a5f } .files { fill: #fbeecb; stroke: #b08a2e }
.own { fill: #f3dede; stroke: #a55 }
.network { fill: #dbe6f6; stroke: #3c64a5 } .link { stroke: #3c64a5; stroke-width: 2 }"""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; pixels from the top left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Its vertical axis."""
        return self.x + self.width / 2

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def foot(self) -> float:
        """Its lower edge."""
        return self.y + self.height

    def drawn(self, kind: str) -> str:
        """As an element of the picture."""
        size = f'x="{self.x:g}" y="{self.y:g}" width="{self.width:g}" height="{self.height:g}"'
        return f'<rect class={quoteattr(kind)} {size} rx="6"/>'


def draw(definition: LabDefinition) -> str:
    """The picture, a whole SVG document; the same definition gives the same bytes."""
    lab, title = definition.lab, f"{definition.name}: {definition.lab.title}"
    first = [name for name, host in lab.hosts.items() if host.networks or len(lab.hosts) <= MOST_IN_ROW]
    boxes = _place_hosts(lab, first, MARGIN + 34.0, len(first))
    bars = _place_networks(lab, boxes)
    others = [name for name in lab.hosts if name not in first]
    foot = max((box.foot for box in (*boxes.values(), *bars.values())), default=MARGIN)
    boxes |= _place_hosts(lab, others, foot + 2 * GAP, MOST_IN_ROW)
    width = max(2 * MARGIN + TITLE_W * len(title), *(box.right + MARGIN for box in (*boxes.values(), *bars.values())))
    height = max(box.foot for box in (*boxes.values(), *bars.values())) + MARGIN
    parts = [
        _text(MARGIN, MARGIN + 14, title, "title"),
        *(line for name in bars for line in _links(lab, name, bars[name], boxes)),
        *(line for name in bars for line in _network(lab, name, bars[name])),
        *(line for name, host in lab.hosts.items() for line in _host(name, host, boxes[name])),
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}"'
    view = f'viewBox="0 0 {width:g} {height:g}" role="img" aria-label={quoteattr(_visible(title))}'
    ground = f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>'
    return "\n".join([f"{head} {view}>", f"<style>\n{STYLE}\n</style>", ground, *parts, "</svg>", ""])


def _place_hosts(lab: Lab, names: Sequence[str], y: float, in_row: int) -> dict[str, Box]:
    """In rows from `y` on, all of one height: who is on a network above the networks, who is not below them."""
    x, boxes = float(MARGIN), {}
    most_rows = max((len(_rows(lab.hosts[name])) for name in names), default=0)
    tallest = HEAD_H + CONTAINER_H + most_rows * (GAP + ROW_H) + PAD
    for number, name in enumerate(names):
        if number and number % in_row == 0:
            x, y = float(MARGIN), y + tallest + 2 * GAP
        boxes[name] = Box(x, y, _host_width(name, lab.hosts[name]), tallest)
        x = boxes[name].right + 2 * GAP
    return boxes


def _place_networks(lab: Lab, boxes: Mapping[str, Box]) -> dict[str, Box]:
    """Bars one below the other, each from its first host to its last."""
    bars = {}
    y = max((box.foot for box in boxes.values()), default=MARGIN) + NETWORK_GAP
    for name in lab.networks:
        linked = [boxes[host] for host, model in lab.hosts.items() if name in model.networks] or [*boxes.values()]
        linked = linked or [Box(MARGIN, y, 0, 0)]
        wanted = 2 * PAD + NAME_W * (len(name) + 2) + MONO_W * len(_subnets(lab, name))
        bars[name] = Box(linked[0].x, y, max(wanted, linked[-1].right - linked[0].x), NETWORK_H)
        y += NETWORK_H + NETWORK_GAP
    return bars


def _host_width(name: str, host: Host) -> float:
    containers = sum(map(_container_width, host.containers)) + GAP * (len(host.containers) - 1)
    rows = max((MONO_W * len(text) + GAP for _, text in _rows(host)), default=0.0)
    links = len(host.networks) * (max(map(_label_width, host.networks.values()), default=0) + GAP)
    return max(containers, rows, links, NAME_W * len(name)) + 2 * PAD


def _label_width(place: Address) -> float:
    """Of a link with its addresses."""
    return LABEL_GAP + MONO_W * max(len(str(place.ipv4)), len(str(place.ipv6)))


def _container_width(name: str) -> float:
    return max(CONTAINER_W, NAME_W * len(name) + GAP)


def _rows(host: Host) -> list[tuple[str, str]]:
    """What a host's containers have in common and what they do not, each with its kind of box."""
    shared = [NAMESPACES[name] for name in NAMESPACES if name in host.share]
    own = [NAMESPACES[name] for name in NAMESPACES if name not in host.share]
    rows = [
        ("shared", f"shared: {', '.join(shared)}{', /dev/shm' if 'ipc' in host.share else ''}" if shared else ""),
        ("own", f"each its own: {', '.join(own)}" if own else ""),
        ("files", "/ipc: FIFOs, socket files" if host.volume else ""),
    ]
    return [(kind, text) for kind, text in rows if text]


def _host(name: str, host: Host, box: Box) -> Iterator[str]:
    """A host with its containers, and below them what they have in common."""
    yield box.drawn("host")
    yield _text(box.x + PAD, box.y + 25, name, "name")
    x, y = box.x + PAD, box.y + HEAD_H
    for container in host.containers:
        inner = Box(x, y, _container_width(container), CONTAINER_H)
        yield inner.drawn("container")
        yield _text(inner.middle, y + 30, container, middle=True)
        x = inner.right + GAP
    y += CONTAINER_H + GAP
    for kind, text in _rows(host):
        row = Box(box.x + PAD, y, box.width - 2 * PAD, ROW_H)
        yield row.drawn(kind)
        yield _text(row.middle, y + 17, text, "mono", middle=True)
        y = row.foot + GAP


def _links(lab: Lab, name: str, bar: Box, boxes: Mapping[str, Box]) -> Iterator[str]:
    """A line from each host in a network to its bar, the host's addresses beside it."""
    for host, model in lab.hosts.items():
        if name in model.networks:
            box, place = boxes[host], model.networks[name]
            # Hosts in several networks have their lines side by side, each with its text in the middle of its share.
            share = box.width / len(model.networks)
            x = box.x + share * (list(model.networks).index(name) + 0.5) - _label_width(place) / 2
            yield f'<line class="link" x1="{x:g}" y1="{box.foot:g}" x2="{x:g}" y2="{bar.y:g}"/>'
            yield _text(x + LABEL_GAP, bar.y - 26, str(place.ipv4), "mono")
            yield _text(x + LABEL_GAP, bar.y - 11, str(place.ipv6), "mono")


def _network(lab: Lab, name: str, bar: Box) -> Iterator[str]:
    yield bar.drawn("network")
    yield _text(bar.x + PAD, bar.y + 20, name, "name")
    yield _text(bar.x + PAD + NAME_W * (len(name) + 2), bar.y + 19, _subnets(lab, name), "mono")


def _subnets(lab: Lab, name: str) -> str:
    return f"{lab.networks[name].ipv4}  {lab.networks[name].ipv6}"


def _text(x: float, y: float, text: str, kind: str = "", *, middle: bool = False) -> str:
    anchor = ' text-anchor="middle"' if middle else ""
    name = f" class={quoteattr(kind)}" if kind else ""
    return f'<text{name} x="{x:g}" y="{y:g}"{anchor}>{escape(_visible(text))}</text>'


def _visible(text: str) -> str:
    """`text` with characters that XML can't hold, or nobody can see, replaced."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
