"""The command `ipclab`: all that prints and exits. Imports are inside commands: `up` when up takes under 0.3 s."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from orchestrator.errors import InternalError, IpclabError, UsageError
from orchestrator.labels import DEFAULT_INSTANCE, InstanceName

if TYPE_CHECKING:
    from orchestrator.engine.base import Engine
    from orchestrator.spec.load import LabDefinition

LABS = click.option(
    "--labs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=lambda: os.environ.get("IPCLAB_LABS") or "labs",
    show_default="labs",
    help="The folder that holds the labs.",
)
INSTANCE = click.option(
    "--instance", default=DEFAULT_INSTANCE, metavar="NAME", show_default=True, help="Which instance of the lab."
)
BASE_IMAGE = click.option(
    "--base-image", envvar="IPCLAB_BASE_IMAGE", metavar="IMAGE|TARBALL", help="What images are built on."
)


def complete_lab(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of labs for the shell's completion."""
    labs = Path(context.params.get("labs") or os.environ.get("IPCLAB_LABS") or "labs")
    return sorted(path.parent.name for path in labs.glob(f"{incomplete}*/lab.yaml"))


def complete_place(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """HOST/CONTAINER of the lab that stands before."""
    from orchestrator.spec.find import find_lab
    from orchestrator.spec.load import load_lab_only

    try:
        definition = load_lab_only(find_lab(Path(os.environ.get("IPCLAB_LABS") or "labs"), context.params["lab"]))
    except IpclabError:
        return []
    places = [f"{name}/{key}" for name, host in definition.lab.hosts.items() for key in host.containers]
    return [place for place in places if place.startswith(incomplete)]


def complete_exercise(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Exercises of the lab that stands before."""
    lab = Path(os.environ.get("IPCLAB_LABS") or "labs") / str(context.params["lab"])
    return sorted(path.parent.name for path in lab.glob(f"{incomplete}*/exercise.yaml"))


LAB = click.argument("lab", shell_complete=complete_lab)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ipclab", prog_name="ipclab")
def cli() -> None:
    """Labs of inter-process communication: hosts made of containers, judged by what the kernel saw."""


def _instance(definition: LabDefinition | str, instance: str) -> InstanceName:
    from orchestrator.labels import NAME

    if not NAME.fullmatch(instance) or len(instance) > 32:
        raise UsageError(f"{instance!r} is no name for an instance", fix="Use lower-case letters, digits and hyphens.")
    return InstanceName(definition if isinstance(definition, str) else definition.name, instance)


def _lab_only(labs: Path, lab: str) -> LabDefinition:
    from orchestrator.spec.find import find_lab
    from orchestrator.spec.load import load_lab_only

    return load_lab_only(find_lab(labs, lab))


def _lab(labs: Path, lab: str) -> LabDefinition:
    from orchestrator.spec.find import find_lab
    from orchestrator.spec.load import load_lab

    return load_lab(find_lab(labs, lab))


def _place(definition: LabDefinition, place: str | None) -> str:
    """HOST/CONTAINER from what was typed: nothing, a host, or both."""
    from orchestrator.spec.suggest import did_you_mean

    hosts = definition.lab.hosts
    host, _, container = (place or next(iter(hosts))).partition("/")
    if host not in hosts:
        raise UsageError(f"{definition.name} has no host {host!r}", fix=did_you_mean(host, hosts))
    container = container or next(iter(hosts[host].containers))
    if container not in hosts[host].containers:
        raise UsageError(f"{host} has no container {container!r}", fix=did_you_mean(container, hosts[host].containers))
    return f"{host}/{container}"


@cli.command("list")
@LABS
def list_(labs: Path) -> None:
    """Show the labs and their exercises."""
    from orchestrator.ui.listing import listing

    found = [_lab(labs, path.parent.name) for path in sorted(labs.glob("*/lab.yaml"))]
    if not found:
        raise UsageError(f"there is no lab in {labs}/", fix="Name the folder with --labs or IPCLAB_LABS.")
    _print(listing(found))


@cli.command()
@LABS
@click.argument("lab", required=False, shell_complete=complete_lab)
def validate(labs: Path, lab: str | None) -> None:
    """Report every mistake in a lab's files (all labs when none is named)."""
    from orchestrator.errors import DefinitionError, Problem

    names = [lab] if lab else [path.parent.name for path in sorted(labs.glob("*/lab.yaml"))]
    problems: list[Problem] = []
    for name in names:
        try:
            _lab(labs, name)
        except DefinitionError as error:
            problems.extend(error.problems)
    if problems:
        raise DefinitionError(problems)
    click.echo(f"{', '.join(names)}: no mistakes")


@cli.command()
@LABS
@LAB
@INSTANCE
@BASE_IMAGE
@click.option("--down", is_flag=True, help="The plan of taking it down.")
def plan(labs: Path, lab: str, instance: str, base_image: str | None, down: bool) -> None:
    """Print what `up` (or `down`) would do, and why."""
    from orchestrator import lifecycle

    definition = _lab_only(labs, lab)
    with lifecycle.connected(_say) as engine:
        name = _instance(definition, instance)
        click.echo(str(lifecycle.plan(engine, None if down else definition, name, base_image=base_image)))


@cli.command()
@LABS
@LAB
@INSTANCE
@BASE_IMAGE
def up(labs: Path, lab: str, instance: str, base_image: str | None) -> None:
    """Bring a lab up; what is up and right is left alone."""
    from orchestrator.connection import connected
    from orchestrator.settled import is_settled
    from orchestrator.spec.find import find_lab

    folder = find_lab(labs, lab)
    name = _instance(folder.resolve().name, instance)
    with connected(_say) as engine:
        work = not is_settled(engine, folder, name, base_image) and _up(engine, folder, name, base_image)
    click.echo(f"{name} is up" + ("" if work else ": nothing to do"))


def _up(engine: Engine, folder: Path, name: InstanceName, base_image: str | None) -> bool:
    """Bring an instance up; whether there was anything to do."""
    from orchestrator import lifecycle
    from orchestrator.spec.load import load_lab_only
    from orchestrator.ui.progress import Progress

    with Progress(f"{name} up") as progress:
        return bool(lifecycle.up(engine, load_lab_only(folder), name, base_image=base_image, watch=progress).plan)


@cli.command()
@click.argument("lab", shell_complete=complete_lab)
@INSTANCE
@click.option("--all", "everything", is_flag=True, help="All instances of the lab.")
def down(lab: str, instance: str, everything: bool) -> None:
    """Take a lab down; works also when its files are gone."""
    from orchestrator import lifecycle
    from orchestrator.ui.progress import Progress

    short = f"lab-{int(lab):02d}" if lab.isdecimal() else Path(lab).name
    with lifecycle.connected(_say) as engine:
        names = lifecycle.instances(engine, short) if everything else [_instance(short, instance)]
        for name in names:
            with Progress(f"{name} down") as progress:
                done = lifecycle.down(engine, name, watch=progress)
            click.echo(f"{name} is down" + ("" if done else ": nothing to do"))


@cli.command()
@click.option("-y", "--yes", is_flag=True, help="Do it without asking.")
@click.option("--images", is_flag=True, help="Images, too.")
def clean(yes: bool, images: bool) -> None:
    """Remove every container, network and volume that is ours, of all labs and instances."""
    from orchestrator import lifecycle
    from orchestrator.ui.progress import Progress

    with lifecycle.connected(_say) as engine:
        names = lifecycle.instances(engine)
        if names and not yes:
            click.confirm(f"Remove {', '.join(map(str, names))}?", abort=True, err=True)
        for name in names:
            with Progress(f"{name} down") as progress:
                lifecycle.down(engine, name, watch=progress)
        removed = lifecycle.remove_images(engine) if images else []
    click.echo(f"removed {', '.join([*map(str, names), *removed])}" if names or removed else "nothing of ours is there")


@cli.command()
@click.argument("lab", required=False, shell_complete=complete_lab)
def ps(lab: str | None) -> None:
    """Show instances, hosts and containers that are there, and their state."""
    from orchestrator import lifecycle
    from orchestrator.ui.listing import containers

    with lifecycle.connected(_say) as engine:
        observed = engine.observe()
    _print(containers(observed, Path(lab).name if lab else None))


@cli.command()
@LABS
@LAB
@click.argument("exercises", nargs=-1, shell_complete=complete_exercise)
@INSTANCE
@BASE_IMAGE
@click.option("--submission", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Sources to judge.")
@click.option("--reference", is_flag=True, help="Judge the reference solutions.")
@click.option("--starter", is_flag=True, hidden=True)
@click.option("--wrong", default="", hidden=True, metavar="EXERCISE/NAME")
@click.option("--seed", default="", metavar="TEXT", help="Replay a run's random values.")
@click.option("-k", "select", default="", metavar="EXPRESSION", help="Only checks that match, as pytest's -k.")
@click.option("-n", "jobs", default=0, metavar="N", help="Run exercises side by side, each worker in its own instance.")
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the record.")
@click.option("--junitxml", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML.")
@click.option("--watch", is_flag=True, help="Run again whenever a source is saved.")
def check(labs: Path, lab: str, instance: str, base_image: str | None, watch: bool, **options: Any) -> None:
    """Bring a lab up, build and run its exercises, judge them, show the table.

    Judges --submission when given, else your workspace (work/LAB) when there is one, else the reference solution.
    """
    from orchestrator.ui.checking import check_once, watch_and_check

    definition = _lab(labs, lab)
    for exercise in options["exercises"]:
        if exercise not in definition.exercises:
            from orchestrator.spec.suggest import did_you_mean

            raise UsageError(
                f"{definition.name} has no exercise {exercise!r}", fix=did_you_mean(exercise, definition.exercises)
            )
    name = _instance(definition, instance)
    run = watch_and_check if watch else check_once
    sys.exit(run(definition, name, base_image=base_image, **options))


@cli.command()
@LABS
@LAB
@click.argument("place", required=False, shell_complete=complete_place)
@INSTANCE
@click.option("--root", is_flag=True, help="As root instead of student.")
def shell(labs: Path, lab: str, place: str | None, instance: str, root: bool) -> None:
    """Open a shell in a container, HOST/CONTAINER (default: the first)."""
    from orchestrator import lifecycle
    from orchestrator.ui.terminal import interact

    definition = _lab_only(labs, lab)
    where = _place(definition, place)
    container = _instance(definition, instance).named(*where.split("/"))
    with lifecycle.connected(_say) as engine:
        sys.exit(interact(engine, container, ("bash", "--login"), where, user="root" if root else "student"))


@cli.command("exec", context_settings={"ignore_unknown_options": True})
@LABS
@LAB
@click.argument("place", shell_complete=complete_place)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@INSTANCE
@click.option("--root", is_flag=True, help="As root instead of student.")
def exec_(labs: Path, lab: str, place: str, command: tuple[str, ...], instance: str, root: bool) -> None:
    """Run a command in a container, HOST/CONTAINER; its streams and exit status are passed on."""
    from orchestrator import lifecycle
    from orchestrator.ui.terminal import relay

    definition = _lab_only(labs, lab)
    where = _place(definition, place)
    container = _instance(definition, instance).named(*where.split("/"))
    with lifecycle.connected(_say) as engine:
        # A login shell in between sets the umask and the path that an interactive one has.
        argv = ("bash", "--login", "-c", 'exec "$@"', "bash", *command)
        sys.exit(relay(engine, container, argv, where, user="root" if root else "student"))


@cli.command()
@LABS
@LAB
@click.argument("exercise", required=False, shell_complete=complete_exercise)
@INSTANCE
def logs(labs: Path, lab: str, exercise: str | None, instance: str) -> None:
    """Show what the last `check` did and what its programs printed; containers themselves log nothing."""
    from orchestrator.ui.checking import last_run

    _print(last_run(_lab_only(labs, lab), _instance(lab, instance), exercise))


@cli.command()
@LABS
@LAB
@click.argument("exercises", nargs=-1, shell_complete=complete_exercise)
def workspace(labs: Path, lab: str, exercises: tuple[str, ...]) -> None:
    """Lay out work/LAB from the starters; what is there already is kept."""
    from orchestrator.ui.workspace import lay_out

    for line in lay_out(_lab(labs, lab), exercises):
        click.echo(line)


@cli.command()
@LABS
@LAB
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: compose/LAB.yaml")
def compose(labs: Path, lab: str, output: Path | None) -> None:
    """Write the lab as a Compose file."""
    from orchestrator.ui.compose import export

    definition = _lab_only(labs, lab)
    path = output or definition.root.parent.parent / "compose" / f"{definition.name}.yaml"
    path.write_text(export(definition))
    click.echo(f"wrote {path}")


@cli.command()
@LABS
@LAB
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output")
def graph(labs: Path, lab: str, output: Path | None) -> None:
    """Draw the lab's hosts, containers and networks as SVG."""
    from orchestrator.ui.graph import draw

    picture = draw(_lab_only(labs, lab))
    if output is None:
        click.echo(picture, nl=False)
    else:
        output.write_text(picture)
        click.echo(f"wrote {output}")


@cli.command()
@LABS
def schema(labs: Path) -> None:
    """Write the JSON Schemas of lab.yaml and exercise.yaml into the labs' folder, for editors."""
    from orchestrator.spec.schema import write

    for path in write(labs):
        click.echo(f"wrote {path}")


@cli.command()
@BASE_IMAGE
def build(base_image: str | None) -> None:
    """Build the images that labs are made of, without bringing one up."""
    from orchestrator import lifecycle
    from orchestrator.ui.progress import Progress

    with lifecycle.connected(_say) as engine, Progress("images") as progress:
        for reference in lifecycle.build_all(engine, base_image=base_image, watch=progress):
            click.echo(reference)


@cli.command()
def doctor() -> None:
    """Say what this machine has, what is missing, and what to do about it."""
    from orchestrator.ui.listing import health

    report, code = health()
    _print(report)
    sys.exit(code)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _print(renderable: Any) -> None:
    from orchestrator.ui.table import console

    console().print(renderable)


def _fail(error: IpclabError) -> NoReturn:
    click.echo(f"ipclab: {error.what}" if error.exit_code != 2 else error.what, err=True)
    if error.fix:
        click.echo(error.fix, err=True)
    sys.exit(error.exit_code)


def main(run: Callable[..., Any] = cli) -> NoReturn:
    """Run the command line and exit with the code that says whose problem it was."""
    try:
        run(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except IpclabError as error:
        _fail(error)
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # Whoever reads us went away; that is no error, and Python must not complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the last boundary: our bug must say so
        import traceback

        traceback.print_exc()
        _fail(
            InternalError(
                f"a bug in ipclab: {type(error).__name__}: {error}", fix="Please report it with the lines above."
            )
        )
    sys.exit(0)
