"""An instance's way up and down: the engine, the references of its images, its binds, and converging to what they give.

Which operations that takes is `reconcile`'s matter, carrying them out `convergence`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchestrator import settled, workspace
from orchestrator.connection import connect as connect
from orchestrator.connection import connected as connected
from orchestrator.convergence import converge
from orchestrator.engine import images
from orchestrator.engine.base import Engine
from orchestrator.engine.context import latest, names
from orchestrator.executor import Event
from orchestrator.labels import InstanceName, instance_of
from orchestrator.plan import Plan
from orchestrator.reconcile import reconcile
from orchestrator.resolved import Definition
from orchestrator.settled import arguments
from orchestrator.world import Bind, Desired, ImageSpec, Observed

if TYPE_CHECKING:  # models cost time that bringing up what was resolved before need not spend
    from orchestrator.spec.load import LabDefinition

Say = Callable[[str], None]

EXPORTED_SLOT = 15
"""The row of subnets in Compose files. Instances take the smallest that is free, so both can be up at once."""


class Watch(Protocol):
    """Somebody who is shown what goes on."""

    def event(self, event: Event) -> None:
        """An operation of a plan began or ended."""

    def line(self, text: str) -> None:
        """A builder said something, or another process is waited for."""


class Unwatched:
    """Nobody."""

    def event(self, event: Event) -> None:
        """Ignore it."""

    def line(self, text: str) -> None:
        """Ignore it."""


@dataclass(frozen=True, slots=True)
class Up:
    """An instance that is up."""

    desired: Desired
    plan: Plan
    """What had to be done; empty when it was up."""


def defined(
    engine: Engine,
    lab: Path,
    name: InstanceName,
    base_image: str | None = None,
    exercises: Collection[str] | None = None,
) -> Definition:
    """The definition of an instance of the lab in the folder `lab`, with what else decides what it comes to."""
    # Another machine's engine does not see our folders; its containers have no /work then.
    binds = (Bind(str(workspace.prepare(lab)), "/work"),) if engine.info().local else ()
    chosen = None if exercises is None else tuple(exercises)
    return Definition(lab, name, settled.all_references(base_image), binds, chosen)


def plan(engine: Engine, lab: Path | None, name: InstanceName, *, base_image: str | None = None) -> Plan:
    """What `up` of the lab in the folder `lab` would do, or `down` when there is none."""
    if lab is None:
        return reconcile(None, engine.observe(name))
    wanted = defined(engine, lab, name, base_image)
    observed = engine.observe(name, images=tuple(wanted.references.values()))
    return reconcile(wanted.desired(observed), observed)


def up(
    engine: Engine,
    lab: Path,
    name: InstanceName,
    *,
    base_image: str | None = None,
    exercises: Collection[str] | None = None,
    watch: Watch | None = None,
) -> Up:
    """Bring an instance of the lab in the folder `lab` up; what is there and right is left alone.

    With `exercises`, hosts that none of these needs are not made.

    Raises:
        DefinitionError: lab.yaml is wrong.
        MachineError: The engine or the machine is in the way.
    """
    watch = watch or Unwatched()
    wanted = defined(engine, lab, name, base_image, exercises)
    made: list[tuple[Desired, Observed]] = []

    def desired_of(observed: Observed) -> Desired:
        made.append((wanted.desired(observed), observed))
        return made[-1][0]

    done = converge(
        name,
        desired_of,
        engine,
        build_image=lambda spec: build_image(engine, spec, base_image, watch.line),
        images=tuple(wanted.references.values()),
        on_event=watch.event,
        on_wait=watch.line,
    )
    desired, observed = made[-1]
    if not done and exercises is None:
        settled.remember(lab, name, wanted.references, observed)
    return Up(desired, done)


def bring_up(
    engine: Engine,
    definition: LabDefinition,
    name: InstanceName,
    exercises: Collection[str] | None = None,
    base_image: str | None = None,
) -> Desired:
    """Bring an instance up, unwatched; what it should be, and is now."""
    return up(engine, definition.root, name, base_image=base_image, exercises=exercises).desired


def as_defined(engine: Engine, definition: LabDefinition, name: InstanceName) -> Desired:
    """What an instance should be that somebody else brought up, as from a Compose file: with all of its hosts."""
    from orchestrator.resolve import resolve

    wanted = defined(engine, definition.root, name)
    return resolve(definition.lab, name, slot=EXPORTED_SLOT, images=wanted.references, binds=wanted.binds)


def build_image(engine: Engine, spec: ImageSpec, base_image: str | None, say: Say) -> None:
    """Build one of our images, and what it stands on."""
    images.build(engine, spec, base=base_image, arguments=arguments(), progress=say)


def built(engine: Engine, base_image: str | None) -> set[str]:
    """The images that are there as they would be built now, by their folders of `images/`."""
    references = settled.all_references(base_image)
    return {name for name, reference in references.items() if engine.image_id(reference) is not None}


def build_all(engine: Engine, *, base_image: str | None = None, watch: Watch | None = None) -> list[str]:
    """Build every image of `images/` that is not there; their references."""
    watch = watch or Unwatched()
    specs = [ImageSpec(name, found) for name, found in settled.all_references(base_image).items()]
    for spec in specs:
        build_image(engine, spec, base_image, watch.line)
    return [spec.reference for spec in specs]


def down(engine: Engine, name: InstanceName, *, watch: Watch | None = None) -> Plan:
    """Take an instance down; its files are not needed. The plan is empty when nothing was there."""
    watch = watch or Unwatched()
    return converge(
        name,
        lambda observed: None,
        engine,
        build_image=lambda spec: None,
        on_event=watch.event,
        on_wait=watch.line,
    )


def take_down(names: Iterable[InstanceName]) -> None:
    """Take instances down, unwatched, on an engine that is there: none is installed for it.

    Raises:
        MachineError: The engine or the machine is in the way.
    """
    with connected(install=False) as engine:
        for name in names:
            down(engine, name)


def instances(engine: Engine, lab: str | None = None) -> list[InstanceName]:
    """The instances that have objects on the engine."""
    observed = engine.observe()
    marks = [
        *(container.labels for container in observed.containers),
        *(network.labels for network in observed.networks),
        *(volume.labels for volume in observed.volumes),
    ]
    found = {instance_of(labels) for labels in marks}
    return sorted(name for name in found if lab is None or name.lab == lab)


def remove_images(engine: Engine) -> list[str]:
    """Remove the images that we built, of all versions, not the base that they stand on; what was removed."""
    there = [tag for name in names() for tag in engine.list_images(latest(name).rpartition(":")[0])]
    for tag in there:
        engine.remove_image(tag)
    return there
