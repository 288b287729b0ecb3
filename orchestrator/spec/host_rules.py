"""What must hold within each host of a lab: limits that a kernel takes and that leave room, shared namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import Problem
from orchestrator.spec.document import Document
from orchestrator.spec.lab import ContainerLimits, Host, IpcLimits, Lab
from orchestrator.spec.names import is_taken
from orchestrator.spec.quantity import SIZE_UNITS, size_text
from orchestrator.spec.suggest import did_you_mean
from orchestrator.spec.tree import DataPath

_PAGE = 4096
_INT_MAX = 2**31 - 1
_MIB = SIZE_UNITS["MiB"]
_LEAST_MEMORY = 32 * _MIB
"""The agent's Python takes 12 MiB, gcc on a page of C about as much."""
_LEAST_TMP = 1 * _MIB
_RESERVED = ("localhost", "ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix")
"""Names that /etc/hosts has already."""


def problems(lab: Lab, document: Document, images: Path) -> Iterator[Problem]:
    """All problems within hosts; `images` is the folder of image folders, which need not be there."""
    yield from _limits(lab.limits, ("limits",), document)
    known = tuple(sorted(folder.parent.name for folder in images.glob("*/Dockerfile")))
    for name, host in lab.hosts.items():
        path = ("hosts", name)
        yield from _name(name, path, document)
        yield from _share(name, host, path, document)
        yield from _only_for(lab, path, document)
        yield from _ipc(host.ipc, (*path, "ipc"), document)
        if host.volume is not None:
            yield from _at_least(host.volume.size, _PAGE, "a page", (*path, "volume", "size"), document)
        for container, definition in host.containers.items():
            inside = (*path, "containers", container)
            if definition.limits is not None:
                yield from _limits(definition.limits, (*inside, "limits"), document)
            if known and definition.image not in known:
                what = f"there is no image `{definition.image}`: images/{definition.image} has no Dockerfile"
                yield document.problem((*inside, "image"), what, did_you_mean(definition.image, known))


def _name(name: str, path: DataPath, document: Document) -> Iterator[Problem]:
    if name in _RESERVED:
        what = f"`{name}` means something else on every machine"
    elif is_taken(name.replace("-", "_")):
        what = f"a host can't be called `{name}`: to a check that means something else"
    else:
        return
    yield document.problem(path, what, "choose another name", at_key=True)


def _only_for(lab: Lab, path: DataPath, document: Document) -> Iterator[Problem]:
    for place, exercise in document.texts_at((*path, "only_for")):
        if exercise not in lab.known:
            yield document.problem(
                place,
                f"there is no exercise `{exercise}`",
                did_you_mean(exercise, lab.known, none="there are none"),
            )


def _share(name: str, host: Host, path: DataPath, document: Document) -> Iterator[Problem]:
    if "net" not in host.share and host.networks:
        # The sandbox would be in the network, and no program could use it from there.
        what = f"no container of `{name}` could use its networks, because they don't share `net`"
        yield document.problem((*path, "networks"), what, "remove `networks`, or add net to `share`", at_key=True)


def _ipc(ipc: IpcLimits, path: DataPath, document: Document) -> Iterator[Problem]:
    for low, high, why in (
        ("shmmax", "shmall", "a largest segment would not fit into all segments together"),
        ("msgmax", "msgmnb", "a largest message would not fit into a queue"),
        ("semmsl", "semmns", "a largest set would take more semaphores than there are"),
    ):
        least, most = getattr(ipc, low), getattr(ipc, high)
        if least > most:
            shown = (least, most) if low == "semmsl" else (size_text(least), size_text(most))
            key = high if document.at((*path, high)) is not None else low
            what = f"`{low}` ({shown[0]}) is more than `{high}` ({shown[1]}): {why}"
            yield document.problem((*path, key), what, f"raise `{high}` or lower `{low}`")
    yield from _at_least(ipc.shm_size, _PAGE, "a page", (*path, "shm_size"), document)
    yield from _at_least(ipc.shmall, _PAGE, "a page", (*path, "shmall"), document)
    for key in ("msgmax", "msgmnb"):
        yield from _at_most(getattr(ipc, key), _INT_MAX, "the kernel's int", (*path, key), document)
    # The kernel's own bounds, mq_overview(7).
    yield from _at_least(ipc.msgsize_max, 128, "the kernel's minimum", (*path, "msgsize_max"), document)
    yield from _at_most(ipc.msgsize_max, 16 * _MIB, "the kernel's maximum", (*path, "msgsize_max"), document)


def _limits(limits: ContainerLimits, path: DataPath, document: Document) -> Iterator[Problem]:
    yield from _at_least(limits.memory, _LEAST_MEMORY, "what gcc and the agent need", (*path, "memory"), document)
    yield from _at_least(limits.tmp, _LEAST_TMP, "what a build needs", (*path, "tmp"), document)


def _at_least(size: int, least: int, why: str, path: DataPath, document: Document) -> Iterator[Problem]:
    if size < least:
        what = f"`{path[-1]}` is {size_text(size)}, less than {why}"
        yield document.problem(path, what, f"write {size_text(least)} or more")


def _at_most(size: int, most: int, why: str, path: DataPath, document: Document) -> Iterator[Problem]:
    if size > most:
        what = f"`{path[-1]}` is {size_text(size)}, more than {why}"
        yield document.problem(path, what, f"write {size_text(most)} or less")
