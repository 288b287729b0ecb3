"""The command `ipclab`: all that prints and exits. Imports are inside commands: `up` when up takes under 0.3 s."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from orchestrator.errors import DefinitionError, InternalError, IpclabError, Problem, UsageError
from orchestrator.interruption import ignore_all, interrupted_by_all
from orchestrator.labels import DEFAULT_INSTANCE, NAME, InstanceName
from orchestrator.ui.completion import complete_exercise, complete_lab, complete_place

if TYPE_CHECKING:
    from orchestrator.engine.base import Engine
    from orchestrator.spec.load import LabDefinition
    from orchestrator.ui.terminal import Guest

INTERRUPTED = 130
"""What shells report of a program that SIGINT ended."""


class Commands(click.Group):
    """A group that says which command was perhaps meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that `args` begin with."""
        from orchestrator.spec.suggest import did_you_mean

        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise UsageError(f"there is no command {args[0]!r}", fix=_sentence(did_you_mean(args[0], self.commands)))
        return super().resolve_command(ctx, args)


class NewFile(click.Path):
    """A file to be written, in a folder that is there: better to know before the work is done than after."""

    def __init__(self) -> None:
        """Any path but a folder's."""
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.parent.is_dir():
            self.fail(f"there is no folder {str(path.parent)!r}", param, ctx)
        return path


LABS = click.option(
    "--labs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=lambda: os.environ.get("IPCLAB_LABS") or "labs",
    show_default="labs",
    help="The folder that holds the labs (IPCLAB_LABS).",
)
INSTANCE = click.option(
    "--instance", default=DEFAULT_INSTANCE, metavar="NAME", show_default=True, help="Which instance of the lab."
)
BASE_IMAGE = click.option(
    "--base-image", envvar="IPCLAB_BASE_IMAGE", metavar="IMAGE|TARBALL", help="What images are built on."
)
LAB = click.argument("lab", shell_complete=complete_lab)
EXERCISES = click.argument("exercises", nargs=-1, shell_complete=complete_exercise)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ipclab", prog_name="ipclab")
def cli() -> None:
    """Labs of inter-process communication: hosts made of containers, judged by what the kernel saw.

    LAB is a folder of labs/ such as lab-11, or its number. Exit codes: 0 done, 1 a check did not pass, 2 the command
    line or a lab's file is wrong, 3 the engine or the machine is in the way, 70 a bug in ipclab, 130 interrupted.
    """


def _instance(lab: str, instance: str) -> InstanceName:
    if not NAME.fullmatch(instance) or len(instance) > 32:
        raise UsageError(f"{instance!r} is no name for an instance", fix="Use lower-case letters, digits and hyphens.")
    return InstanceName(lab, instance)


def _lab_only(labs: Path, lab: str) -> LabDefinition:
    from orchestrator.spec.find import find_lab
    from orchestrator.spec.load import load_lab_only

    return load_lab_only(find_lab(labs, lab))


def _lab(labs: Path, lab: str, exercises: tuple[str, ...] = ()) -> LabDefinition:
    """The lab with its exercises, or just with those that were named."""
    from orchestrator.spec.find import find_lab
    from orchestrator.spec.load import load_lab

    return load_lab(find_lab(labs, lab), only=exercises or None)


def _lab_name(lab: str) -> str:
    """A lab's name from what was typed; its files need not be there."""
    return f"lab-{lab.zfill(2)}" if lab.isdecimal() else Path(lab).name


def _place(definition: LabDefinition, place: str | None) -> str:
    """HOST/CONTAINER from what was typed: nothing, a host, or both."""
    from orchestrator.spec.suggest import did_you_mean

    hosts = definition.lab.hosts
    host, _, container = (place or next(iter(hosts))).partition("/")
    if host not in hosts:
        raise UsageError(f"{definition.name} has no host {host!r}", fix=_sentence(did_you_mean(host, hosts)))
    known = hosts[host].containers
    container = container or next(iter(known))
    if container not in known:
        raise UsageError(f"{host} has no container {container!r}", fix=_sentence(did_you_mean(container, known)))
    return f"{host}/{container}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


@cli.command("list")
@LABS
def list_(labs: Path) -> None:
    """Show the labs and their exercises."""
    from orchestrator.ui.listing import listing

    _print(listing([_lab(labs, name) for name in _names(labs)]))


@cli.command()
@LABS
@click.argument("lab", required=False, shell_complete=complete_lab)
def validate(labs: Path, lab: str | None) -> None:
    """Report every mistake in a lab's files (all labs when none is named)."""
    names = [lab] if lab else _names(labs)
    problems: list[Problem] = []
    for name in names:
        try:
            _lab(labs, name)
        except DefinitionError as error:
            problems.extend(error.problems)
    if problems:
        raise DefinitionError(problems)
    click.echo(f"{', '.join(names)}: no mistakes")


def _names(labs: Path) -> list[str]:
    from orchestrator.spec.find import lab_names

    names = lab_names(labs)
    if not names:
        raise UsageError(f"there is no lab in {labs}/", fix="Name the folder with --labs or IPCLAB_LABS.")
    return list(names)


@cli.command()
@LABS
@LAB
@INSTANCE
@BASE_IMAGE
@click.option("--down", is_flag=True, help="The plan of taking it down.")
def plan(labs: Path, lab: str, instance: str, base_image: str | None, down: bool) -> None:
    """Print what `up` (or `down`) would do, and why."""
    from orchestrator import lifecycle
    from orchestrator.connection import connected
    from orchestrator.spec.find import find_lab

    folder = None if down else find_lab(labs, lab)
    name = _instance(folder.resolve().name if folder else _lab_name(lab), instance)
    with connected(_say) as engine:
        click.echo(str(lifecycle.plan(engine, folder, name, base_image=base_image)))


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
    from orchestrator.ui.progress import Progress

    with Progress(f"{name} up") as progress:
        return bool(lifecycle.up(engine, folder, name, base_image=base_image, watch=progress).plan)


@cli.command()
@LABS
@LAB
@INSTANCE
@click.option("--all", "everything", is_flag=True, help="All instances of the lab.")
def down(labs: Path, lab: str, instance: str, everything: bool) -> None:
    """Take a lab down; works also when its files are gone."""
    from orchestrator import lifecycle
    from orchestrator.connection import connected
    from orchestrator.ui.progress import Progress

    name = _instance(_lab_name(lab), instance)
    with connected(_say) as engine:
        names = lifecycle.instances(engine, name.lab) if everything else [name]
        plans = {}
        for one in names:
            with Progress(f"{one} down") as progress:
                plans[one] = lifecycle.down(engine, one, watch=progress)
        if not any(plans.values()):
            _know(name.lab, labs, [found.lab for found in lifecycle.instances(engine)])
    for one, done in plans.items():
        click.echo(f"{one} is down" + ("" if done else ": nothing to do"))
    if not plans:
        click.echo(f"{name.lab} is down: nothing to do")


def _know(lab: str, labs: Path, up: list[str]) -> None:
    """See that there is such a lab, up or in its folder: nothing to do may be a slip of the finger."""
    from orchestrator.spec.find import lab_names
    from orchestrator.spec.suggest import did_you_mean

    known = [*lab_names(labs), *up]
    if lab not in known:
        raise UsageError(f"there is no lab {lab!r}", fix=_sentence(did_you_mean(lab, known)))


@cli.command()
@click.option("-y", "--yes", is_flag=True, help="Do it without asking.")
@click.option("--images", is_flag=True, help="Images, too.")
def clean(yes: bool, images: bool) -> None:
    """Remove every container, network and volume that is ours, of all labs and instances."""
    from orchestrator import lifecycle
    from orchestrator.connection import connected
    from orchestrator.ui.progress import Progress

    with connected(_say) as engine:
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
    from orchestrator.connection import connected
    from orchestrator.ui.listing import containers

    with connected(_say) as engine:
        observed = engine.observe()
    _print(containers(observed, _lab_name(lab) if lab else None))


@cli.command()
@LABS
@LAB
@EXERCISES
@INSTANCE
@BASE_IMAGE
@click.option("--submission", type=FOLDER, help="Judge the sources in DIRECTORY/EXERCISE/.")
@click.option("--reference", is_flag=True, help="Judge the reference solutions.")
@click.option("--starter", is_flag=True, help="Judge the starters.")
@click.option("--wrong", default="", metavar="EXERCISE/NAME", help="Judge a known-wrong solution of an exercise.")
@click.option("--seed", default="", metavar="TEXT", help="Replay a run's random values.")
@click.option("-k", "select", default="", metavar="EXPRESSION", help="Only checks that match, as pytest's -k.")
@click.option(
    "-n",
    "jobs",
    type=click.IntRange(1),
    metavar="N",
    help="Judge N exercises at a time, each in an instance of its own. Default: by their number and the processors.",
)
@click.option("--json", "record_file", type=NewFile(), help="Write the record.")
@click.option("--junitxml", "junit_file", type=NewFile(), help="Write JUnit XML.")
@click.option("--all", "everything", is_flag=True, help="Show checks that passed, also of several exercises.")
@click.option("--watch", is_flag=True, help="Run again whenever a source is saved.")
def check(
    labs: Path,
    lab: str,
    exercises: tuple[str, ...],
    instance: str,
    base_image: str | None,
    record_file: Path | None,
    junit_file: Path | None,
    everything: bool,
    jobs: int | None,
    watch: bool,
    **options: Any,
) -> None:
    """Bring a lab up, build and run its exercises, judge them, show the table.

    Judges --submission when given, else your workspace (work/LAB) when it has the exercise, else the reference.
    """
    from orchestrator.ui.checking import Wanted, check_once

    of_wrong, _, mistake = options["wrong"].partition("/")
    exercises = exercises or ((of_wrong,) if of_wrong else ())
    definition = _lab(labs, lab, exercises)
    if of_wrong in definition.exercises:
        definition.exercises[of_wrong].wrong(mistake)
    name = _instance(definition.name, instance)
    wanted = Wanted(name, exercises, base_image, record_file, junit_file, everything, jobs, options)
    if watch:
        from orchestrator.ui.watching import watch_and_check

        sys.exit(watch_and_check(definition, wanted))
    sys.exit(check_once(definition, wanted).exit_code)


@cli.command()
@LABS
@LAB
@click.argument("exercise", shell_complete=complete_exercise)
@click.option("--again", is_flag=True, help="Those that were shown already.")
def hint(labs: Path, lab: str, exercise: str, again: bool) -> None:
    """Show one hint more on an exercise."""
    from orchestrator.ui.hints import next_hint

    _print(next_hint(_lab(labs, lab, (exercise,)).exercises[exercise], again=again))


@cli.command()
@LABS
@LAB
@EXERCISES
@INSTANCE
@click.option("--only", default="*", metavar="PATTERN", help="Cases, as in a shell: '*/reference', 'fifo/wrong/*'.")
@click.option("--also", type=FOLDER, help="A folder with LAB/EXERCISE/: more solutions, which must pass.")
@click.option("--runs", type=click.IntRange(min=1), default=1, help="How often each is judged, with other values.")
@click.option("--jobs", type=click.IntRange(min=1), help="How many are judged at the same time.")
@click.option("--seed", default="", metavar="TEXT", help="Replay a proof's random values.")
@click.option("--file", type=NewFile(), help="Keep findings in it as they come; go on where it ends.")
@BASE_IMAGE
def prove(labs: Path, lab: str, exercises: tuple[str, ...], instance: str, **options: Any) -> None:
    """Test exercises themselves: references pass, starters don't, wrong solutions fail as declared.

    For authors. Ends with 2 when something is not as declared. With --file a proof that was stopped goes on where it
    was, as long as the exercises are the same.
    """
    from orchestrator.ui.proving import Wanted, prove_and_show

    definition = _lab(labs, lab, exercises)
    sys.exit(prove_and_show(definition, Wanted(_instance(definition.name, instance), **options)))


@cli.command()
@LABS
@LAB
@click.argument("place", required=False, shell_complete=complete_place)
@INSTANCE
@click.option("--root", is_flag=True, help="As root instead of student.")
def shell(labs: Path, lab: str, place: str | None, instance: str, root: bool) -> None:
    """Open a shell in a container, HOST/CONTAINER (default: the first)."""
    from orchestrator.connection import connected
    from orchestrator.ui.terminal import interact

    guest = _guest(labs, lab, place, instance, ("bash", "--login"), root)
    with connected(_say) as engine:
        sys.exit(interact(engine, guest))


@cli.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@LABS
@INSTANCE
@click.option("--root", is_flag=True, help="As root instead of student.")
@LAB
@click.argument("place", shell_complete=complete_place)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(labs: Path, lab: str, place: str, command: tuple[str, ...], instance: str, root: bool) -> None:
    """Run a command in a container, HOST/CONTAINER; its streams and exit status are passed on.

    On a terminal it has one of its own, so Ctrl-C reaches it. Options of ipclab stand before LAB, all behind PLACE are
    the command's.
    """
    from orchestrator.connection import connected
    from orchestrator.ui.terminal import interact, relay

    # A login shell in between sets the umask and the path that an interactive one has.
    guest = _guest(labs, lab, place, instance, ("bash", "--login", "-c", 'exec "$@"', "bash", *command), root)
    with connected(_say) as engine:
        sys.exit((interact if sys.stderr.isatty() else relay)(engine, guest))


def _guest(labs: Path, lab: str, place: str | None, instance: str, argv: tuple[str, ...], root: bool) -> Guest:
    from orchestrator.ui.terminal import Guest

    definition = _lab_only(labs, lab)
    name = _instance(definition.name, instance)
    return Guest(name, _place(definition, place), argv, "root" if root else "student")


@cli.command()
@LABS
@LAB
@click.argument("exercise", required=False, shell_complete=complete_exercise)
@INSTANCE
def logs(labs: Path, lab: str, exercise: str | None, instance: str) -> None:
    """Show what the last `check` did and what its programs printed; containers themselves log nothing."""
    from orchestrator.ui.latest import last_run

    definition = _lab_only(labs, lab)
    _print(last_run(definition.root, _instance(definition.name, instance), exercise))


@cli.command()
@LABS
@LAB
@EXERCISES
def workspace(labs: Path, lab: str, exercises: tuple[str, ...]) -> None:
    """Lay out work/LAB from the starters; what is there already is kept."""
    from orchestrator.ui.workspace import lay_out

    for line in lay_out(_lab(labs, lab, exercises)):
        click.echo(line)


@cli.command()
@LABS
@LAB
@click.option("-o", "--output", type=NewFile(), help="Default: compose/LAB.yaml")
def compose(labs: Path, lab: str, output: Path | None) -> None:
    """Write the lab as a Compose file."""
    from orchestrator.ui.compose import export

    definition = _lab_only(labs, lab)
    _write(output or definition.root.parent.parent / "compose" / f"{definition.name}.yaml", export(definition))


@cli.command()
@LABS
@LAB
@click.option("-o", "--output", type=NewFile(), help="Default: standard output")
def graph(labs: Path, lab: str, output: Path | None) -> None:
    """Draw the lab's hosts, containers and networks as SVG."""
    from orchestrator.ui.graph import draw

    picture = draw(_lab_only(labs, lab))
    if output is None:
        click.echo(picture, nl=False)
    else:
        _write(output, picture)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} can't be written: {error.strerror}", fix="Name another with -o.") from error
    click.echo(f"wrote {path}")


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
    from orchestrator.connection import connected
    from orchestrator.ui.progress import Progress

    with Progress("images") as progress, connected(progress.say) as engine:
        references = lifecycle.build_all(engine, base_image=base_image, watch=progress)
    for reference in references:
        click.echo(reference)


@cli.command()
def doctor() -> None:
    """Say what this machine has, what is missing, and what to do about it."""
    from orchestrator.ui.health import health

    report, code = health()
    _print(report)
    sys.exit(code)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _print(renderable: Any) -> None:
    from orchestrator.ui.table import console

    console().print(renderable)


def _fail(error: IpclabError) -> NoReturn:
    # Problems of files begin with path:line:column, so that editors can jump there.
    _say(_safe(error.what if isinstance(error, DefinitionError) else f"ipclab: {error.what}"))
    for line in (error.fix, *getattr(error, "__notes__", ())):
        if line:
            _say(_safe(line))
    sys.exit(error.exit_code)


def _safe(text: str) -> str:
    r"""`text` with what could move the cursor or colour a line as `\u{1b}`: names in it may be anybody's."""
    return "".join(one if one.isprintable() or one in "\n\t" else f"\\u{{{ord(one):x}}}" for one in text)


def main(run: Callable[..., Any] = cli) -> NoReturn:
    """Run the command line and exit with the code that says whose problem it was."""
    for stream in (sys.stdout, sys.stderr):
        # A locale without our signs must cost nobody his table.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    interrupted_by_all()
    try:
        run(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except (click.Abort, KeyboardInterrupt):
        ignore_all()
        with suppress(OSError):  # its terminal may have been closed
            _say("interrupted")
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        error.show()
        sys.exit(UsageError.exit_code)
    except IpclabError as error:
        _fail(error)
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
