"""Observe, plan, carry out, until there is nothing left to do: another process or a person may get in between.

One instance is worked on by one process of this user at a time. Others who use the same engine are not held off: a race
that is lost against them shows as an object that is there, or gone, against expectation, and is met by looking again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from ipaddress import ip_network
from pathlib import Path

from orchestrator.engine.base import Engine
from orchestrator.errors import EngineError, EngineTimeout, ObjectConflict, ObjectMissing
from orchestrator.executor import PARALLEL, Failure, ImageBuilder, Listener, carry_out, ignore, raise_first
from orchestrator.labels import InstanceName
from orchestrator.lock import held
from orchestrator.plan import Plan
from orchestrator.reconcile import reconcile
from orchestrator.slots import overlap
from orchestrator.world import ContainerSpec, Desired, NetworkSpec, Observed, SandboxSpec, VolumeSpec

WORTH_ANOTHER_LOOK = (ObjectConflict, ObjectMissing, EngineTimeout)
"""What a lost race looks like, and a call that may have been carried out or not: the engine's state tells."""

PAUSES_S = (0.1, 0.5)
"""After the first and the second attempt that failed: a removal that is under way needs about as long."""

RACES = 24
"""For addresses, that may be lost: so many instances may begin at once."""

SETTLE_S = 0.3
"""What an engine needs for a call whose caller was killed: removing a container takes 0.14 s, starting one 0.3 s."""


def converge(
    instance: InstanceName,
    desired_of: Callable[[Observed], Desired | None],
    engine: Engine,
    *,
    build_image: ImageBuilder,
    images: Sequence[str] = (),
    on_event: Listener = ignore,
    on_wait: Callable[[str], None] = lambda line: None,
    parallel: int = PARALLEL,
    pauses_s: Sequence[float] = PAUSES_S,
    locks: Path | None = None,
) -> Plan:
    """Make the instance what `desired_of` wants, given what there is (None: nothing); the plan that took it there.

    `images` are the references that it may want. While another process of this user works on the instance this one
    waits, and `on_wait` hears for whom. In the end one look more makes sure that nothing is left to do.

    Raises:
        ObjectConflict: An object that is not ours is in the way; says what it is.
        IpclabError: An operation failed and would again, or the instance does not stay as it was made.
    """

    def plan_now() -> Plan:
        observed = engine.observe(instance, images=images)
        return reconcile(desired_of(observed), observed)

    done = Plan()
    with held(f"{instance.lab}.{instance.instance}", folder=locks, settle_s=SETTLE_S, on_wait=on_wait):
        attempts, races = [*pauses_s, None], RACES
        while attempts:
            if not (plan := plan_now()):
                return done
            done = done or plan
            failures = carry_out(plan, engine, build_image=build_image, on_event=on_event, parallel=parallel)
            if races and _is_outrun(failures, engine, instance):
                races -= 1
                time.sleep(pauses_s[0])
                continue
            pause_s = attempts.pop(0)
            if pause_s is None or not _may_pass(failures):
                raise_first(_explained(failures, engine, instance))
            elif failures:
                time.sleep(pause_s)
        if plan := plan_now():
            raise _restless(instance, plan)
    return done


def _may_pass(failures: Sequence[Failure]) -> bool:
    return all(isinstance(failure.error, WORTH_ANOTHER_LOOK) for failure in failures)


def _is_outrun(failures: Sequence[Failure], engine: Engine, instance: InstanceName) -> bool:
    """Whether the addresses of a network, free when they were chosen, were taken by the time it was made."""
    refused = [
        failure.operation.spec
        for failure in failures
        if isinstance(failure.operation.spec, NetworkSpec) and isinstance(failure.error, ObjectConflict)
    ]
    if not refused or not _may_pass(failures):
        return False
    observed = engine.observe(instance)
    names = {name for name, _ in observed.subnets}
    # One whose name is taken fails at any address.
    return all(spec.name not in names and _network_conflict(spec, observed) for spec in refused)


def _restless(instance: InstanceName, plan: Plan) -> EngineError:
    return EngineError(
        f"{instance} does not stay as it was made; there would still be to do:\n{plan}",
        fix="Is somebody else at work on it? If a container ends by itself, `docker inspect` and `dmesg` say more.",
    )


def _explained(failures: list[Failure], engine: Engine, instance: InstanceName) -> list[Failure]:
    """The failures, the first one's error replaced when we can tell whose the object in its way is."""
    if not failures or not isinstance(failures[0].error, ObjectConflict):
        return failures
    conflict = _conflict(failures[0], engine.observe(instance))
    if conflict is None:
        return failures
    conflict.__cause__ = failures[0].error
    return [Failure(failures[0].operation, conflict), *failures[1:]]


def _conflict(failure: Failure, observed: Observed) -> ObjectConflict | None:
    spec = failure.operation.spec
    if isinstance(spec, NetworkSpec):
        return _network_conflict(spec, observed)
    if isinstance(spec, SandboxSpec | ContainerSpec):
        ours = {container.name for container in observed.containers}
        return None if spec.name in ours else _foreign("container", spec.name, "docker rm -f")
    if isinstance(spec, VolumeSpec):
        ours = {volume.name for volume in observed.volumes}
        return None if spec.name in ours else _foreign("volume", spec.name, "docker volume rm")
    return None


def _foreign(kind: str, name: str, command: str) -> ObjectConflict:
    return ObjectConflict(
        f"there is a {kind} {name} that ipclab did not make: it does not carry its labels",
        fix=f"If nobody needs it, remove it: {command} {name}. Or use another instance: --instance NAME.",
    )


def _network_conflict(spec: NetworkSpec, observed: Observed) -> ObjectConflict | None:
    ours = {network.name for network in observed.networks}
    if spec.name in {name for name, _ in observed.subnets} - ours:
        return _foreign("network", spec.name, "docker network rm")
    wanted = [ip_network(spec.ipv4), ip_network(spec.ipv6)]
    for name, subnets in observed.subnets:
        if name != spec.name and any(overlap(ip_network(text), mine) for text in subnets for mine in wanted):
            return ObjectConflict(
                f"the addresses of {spec.name} ({spec.ipv4}, {spec.ipv6}) overlap those of the network {name}",
                fix=f"If nobody needs it, remove it: docker network rm {name}. Or change the subnets in lab.yaml.",
            )
    return None
