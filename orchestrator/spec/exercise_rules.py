"""What must hold between an exercise's names, and between them and the lab's: places, templates, parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from keyword import iskeyword
from pathlib import Path

from orchestrator.errors import Problem
from orchestrator.spec.document import Document
from orchestrator.spec.exercise import ChoiceParameter, Exercise, IntegerParameter, TextParameter
from orchestrator.spec.names import is_taken
from orchestrator.spec.refusal import Refused
from orchestrator.spec.suggest import did_you_mean
from orchestrator.spec.template import FAMILIES, references
from orchestrator.spec.tree import DataPath

_OPTIONS = frozenset(
    ("args", "cpus", "env", "limits", "self", "stdin", "timeout_s", "until", "get", "items", "keys", "values")
)
"""What Program.start() and `params` already call something else."""


def problems(exercise: Exercise, document: Document, lab: Document) -> Iterator[Problem]:
    """All problems between names; those of the lab are taken from its document, which may be wrong elsewhere."""
    yield from _names(exercise, document, lab)
    yield from _parameters(exercise, document)
    if isinstance(lab.data, dict):
        yield from _places(exercise, document, lab)
        yield from _grants(exercise, document, lab)
    yield from _ablation(exercise, document)
    yield from _templates(exercise, document, lab)


def _names(exercise: Exercise, document: Document, lab: Document) -> Iterator[Problem]:
    hosts = {host.replace("-", "_") for host in lab.keys_at(("hosts",))}
    for name in exercise.programs:
        if name in hosts:
            what = f"the program `{name}` has the name of a host, and a check could not tell them apart"
        elif is_taken(name):
            what = f"a program can't be called `{name}`: to a check that means something else"
        else:
            continue
        yield document.problem(("programs", name), what, "choose another name", at_key=True)
    for name in exercise.parameters:
        if name in _OPTIONS or iskeyword(name):
            what = f"a parameter can't be called `{name}`: to a check that means something else"
            yield document.problem(("parameters", name), what, "choose another name", at_key=True)


def _parameters(exercise: Exercise, document: Document) -> Iterator[Problem]:
    for name, parameter in exercise.parameters.items():
        path: DataPath = ("parameters", name)
        if isinstance(parameter, IntegerParameter | TextParameter) and parameter.min > parameter.max:
            key = "min" if document.at((*path, "min")) is not None else "max"
            what = f"`min` of `{name}` ({parameter.min}) is more than its `max` ({parameter.max})"
            yield document.problem((*path, key), what, "there is no value between them")
        if isinstance(parameter, ChoiceParameter):
            for place, value in document.repeats_at((*path, "values")):
                yield document.problem(place, f"the value `{value}` is there twice", "remove one of the two")


def _places(exercise: Exercise, document: Document, lab: Document) -> Iterator[Problem]:
    for name in exercise.programs:
        path: DataPath = ("programs", name, "container")
        yield from _place(document.at(path), path, document, lab)
    for path, place in document.texts_at(("ablation",)):
        yield from _place(place, path, document, lab)


def _place(place: object, path: DataPath, document: Document, lab: Document) -> Iterator[Problem]:
    if not isinstance(place, str) or "/" not in place:
        return
    host, _, container = place.partition("/")
    hosts = lab.keys_at(("hosts",))
    containers = lab.keys_at(("hosts", host, "containers"))
    if host not in hosts:
        yield document.problem(path, f"there is no host `{host}`", did_you_mean(host, hosts))
    elif container not in containers:
        what = f"the host `{host}` has no container `{container}`"
        yield document.problem(path, what, did_you_mean(container, containers))
    else:
        exercise = Path(document.path).parent.name
        served = [name for _, name in lab.texts_at(("hosts", host, "only_for"))]
        if served and exercise not in served:
            what = f"the host `{host}` is brought up for {', '.join(served)} only"
            yield document.problem(path, what, f"add {exercise} to its `only_for` in lab.yaml, or choose another host")


def _grants(exercise: Exercise, document: Document, lab: Document) -> Iterator[Problem]:
    for name, program in exercise.programs.items():
        for place in dict.fromkeys((program.container, exercise.ablation.get(name, program.container))):
            host, _, container = place.partition("/")
            given = [text for _, text in lab.texts_at(("hosts", host, "containers", container, "grants"))]
            for path, grant in document.texts_at(("programs", name, "grants")):
                if grant not in given:
                    what = f"the container {place} does not have `{grant}` among its `grants`"
                    yield document.problem(path, what, "add it there in lab.yaml, or remove it here")


def _ablation(exercise: Exercise, document: Document) -> Iterator[Problem]:
    known = document.keys_at(("programs",))
    for name, place in exercise.ablation.items():
        path: DataPath = ("ablation", name)
        if name not in known:
            yield document.problem(path, f"there is no program `{name}`", did_you_mean(name, known), at_key=True)
        elif name in exercise.programs and exercise.programs[name].container == place:
            what = f"`{name}` runs in {place} anyway, where the channel is"
            yield document.problem(path, what, "name a container without it")


def _templates(exercise: Exercise, document: Document, lab: Document) -> Iterator[Problem]:
    known = document.keys_at(("parameters",))
    for name, program in exercise.programs.items():
        home = program.container.partition("/")[0]
        for path, template in document.texts_at(("programs", name, "args")):
            complain = _complainer(path, document)
            try:
                named = references(template)
            except Refused as refused:
                yield complain(refused.what, refused.fix)
                continue
            for reference in dict.fromkeys(named):
                if "." in reference:
                    yield from _address(reference, home, lab, complain)
                elif reference not in known:
                    what = f"`{{{reference}}}` names no parameter"
                    yield complain(what, did_you_mean(reference, known, none="declare it in `parameters`"))


Complain = Callable[[str, str], Problem]


def _complainer(path: DataPath, document: Document) -> Complain:
    def complain(what: str, fix: str) -> Problem:
        return document.problem(path, what, fix)

    return complain


def _address(reference: str, home: str, lab: Document, complain: Complain) -> Iterator[Problem]:
    """What is wrong with `{host.family}` in an argument of a program on the host `home`."""
    host, _, family = reference.partition(".")
    hosts, networks = lab.keys_at(("hosts",)), lab.keys_at(("hosts", host, "networks"))
    shown = f"`{{{reference}}}`"
    if family not in FAMILIES:
        yield complain(f"{shown} is no address of a host", f"write {{{host}.ipv4}} or {{{host}.ipv6}}")
    elif not isinstance(lab.data, dict):
        return
    elif host not in hosts:
        yield complain(f"{shown}: there is no host `{host}`", did_you_mean(host, hosts))
    elif not networks:
        yield complain(f"{shown}: the host `{host}` is in no network", "give it one in lab.yaml, or name another host")
    elif networks[0] not in lab.keys_at(("hosts", home, "networks")):
        what = f"{shown} is an address in `{networks[0]}`, the first network of `{host}`, in which `{home}` is not"
        yield complain(what, "put both hosts into it")
