"""A lab's hosts as a picture (SVG): what each container shares with its neighbours, and which networks link hosts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from orchestrator.spec.lab import Host, Lab
from orchestrator.spec.load import LabDefinition

CONTAINER_W, CONTAINER_H = 104, 50
GAP, PAD, MARGIN = 14, 16, 24
HEAD_H, SHARED_H, FILES_H = 40, 26, 26
NETWORK_H, NETWORK_GAP = 30, 58
CHARACTER_W = 6.6
"""Width of a character of the 11 px monospace font, generously."""
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

    def drawn(self, kind: str) -> str:
        """As an element of the picture."""
        size = f'x="{self.x:g}" y="{self.y:g}" width="{self.width:g}" height="{self.height:g}"'
        return f'<rect class={quoteattr(kind)} {size} rx="6"/>'


def draw(definition: LabDefinition) -> str:
    """The picture, a whole SVG document; the same definition gives the same bytes."""
    lab = definition.lab
    boxes = _place_hosts(lab)
    bottom = max(box.y + box.height for box in boxes.values())
    width = max(box.x + box.width for box in boxes.values()) + MARGIN
    lines = {
        name: bottom + NETWORK_GAP + number * (NETWORK_H + NETWORK_GAP) for number, name in enumerate(lab.networks)
    }
    height = max([bottom, *(y + NETWORK_H for y in lines.values())]) + MARGIN
    title = f"{definition.name}: {lab.title}"
    width = max(width, 2 * MARGIN + 8.5 * len(title))
    parts = [_text(MARGIN, MARGIN + 14, title, "title")]
    for name, y in lines.items():
        linked = [boxes[host] for host, model in lab.hosts.items() if name in model.networks] or list(boxes.values())
        left, right = linked[0].x, linked[-1].x + linked[-1].width
        parts += _network(lab, name, Box(left, y, right - left, NETWORK_H), boxes)
    for name, host in lab.hosts.items():
        parts += _host(name, host, boxes[name])
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}"'
    view = f'viewBox="0 0 {width:g} {height:g}" role="img" aria-label={quoteattr(title)}'
    ground = f'<rect width="{width:g}" height="{height:g}" fill="#fff"/>'
    return "\n".join([f"{head} {view}>", f"<style>\n{STYLE}\n</style>", ground, *parts, "</svg>", ""])


def _place_hosts(lab: Lab) -> dict[str, Box]:
    x, y, boxes = float(MARGIN), MARGIN + 34.0, {}
    tallest = max(_host_height(host) for host in lab.hosts.values())
    for name, host in lab.hosts.items():
        boxes[name] = Box(x, y, _host_width(host), tallest)
        x += boxes[name].width + 2 * GAP
    return boxes


def _host_width(host: Host) -> float:
    containers = len(host.containers) * (CONTAINER_W + GAP) - GAP
    words = max(map(len, [_shared_text(host), *(_addresses(host, name) for name in host.networks)]))
    return max(containers, words * CHARACTER_W + GAP) + 2 * PAD


def _host_height(host: Host) -> float:
    return HEAD_H + CONTAINER_H + GAP + SHARED_H + (FILES_H + GAP if host.volume else 0) + PAD


def _addresses(host: Host, network: str) -> str:
    return f"{host.networks[network].ipv4}  {host.networks[network].ipv6}"


def _shared_text(host: Host) -> str:
    shared = [NAMESPACES[name] for name in NAMESPACES if name in host.share]
    return f"{', '.join(shared)} shared" + (", /dev/shm" if "ipc" in host.share else "") if shared else "nothing shared"


def _host(name: str, host: Host, box: Box) -> Iterator[str]:
    """A host with its containers, and below them what they have in common."""
    yield box.drawn("host")
    yield _text(box.x + PAD, box.y + 25, name, "name")
    y = box.y + HEAD_H
    for number, container in enumerate(host.containers):
        inner = Box(box.x + PAD + number * (CONTAINER_W + GAP), y, CONTAINER_W, CONTAINER_H)
        yield inner.drawn("container")
        yield _text(inner.middle, y + 30, container, middle=True)
    y += CONTAINER_H + GAP
    common = Box(box.x + PAD, y, box.width - 2 * PAD, SHARED_H)
    yield common.drawn("shared" if host.share else "own")
    yield _text(common.middle, y + 17, _shared_text(host), "mono", middle=True)
    if host.volume:
        files = Box(common.x, y + SHARED_H + GAP, common.width, FILES_H)
        yield files.drawn("files")
        yield _text(files.middle, files.y + 17, "/ipc: FIFOs, sockets", "mono", middle=True)


def _network(lab: Lab, name: str, bar: Box, boxes: dict[str, Box]) -> Iterator[str]:
    """A network as a bar, a line to each host in it with the host's addresses beside it."""
    for host_name, host in lab.hosts.items():
        if name in host.networks:
            above = boxes[host_name]
            foot = above.y + above.height
            yield f'<line class="link" x1="{above.middle:g}" y1="{foot:g}" x2="{above.middle:g}" y2="{bar.y:g}"/>'
            yield _text(above.middle + 8, foot + 22, str(host.networks[name].ipv4), "mono")
            yield _text(above.middle + 8, foot + 37, str(host.networks[name].ipv6), "mono")
    yield bar.drawn("network")
    network = lab.networks[name]
    yield _text(bar.x + PAD, bar.y + 20, name, "name")
    yield _text(bar.x + PAD + 70, bar.y + 19, f"{network.ipv4}   {network.ipv6}", "mono")


def _text(x: float, y: float, text: str, kind: str = "", *, middle: bool = False) -> str:
    anchor = ' text-anchor="middle"' if middle else ""
    name = f" class={quoteattr(kind)}" if kind else ""
    return f'<text{name} x="{x:g}" y="{y:g}"{anchor}>{escape(text)}</text>'
