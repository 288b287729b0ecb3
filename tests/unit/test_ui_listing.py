"""Tables of labs and of what is up, the doctor's report, and what to type after a run."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest
from rich.console import RenderableType

from orchestrator.doctor import Level, Report, Row
from orchestrator.labels import InstanceName
from orchestrator.spec.load import load_lab
from orchestrator.ui.checking import Wanted, next_commands
from orchestrator.ui.health import draw
from orchestrator.ui.listing import containers, listing
from orchestrator.ui.table import Screen
from orchestrator.world import Observed, ObservedContainer

ROOT = Path(__file__).parents[2]
LAB = load_lab(ROOT / "labs" / "lab-11", only=["fifo", "tcp"])


def lines(renderable: RenderableType) -> list[str]:
    screen = Screen(file=io.StringIO(), width=200, markup=False, emoji=False, highlight=False)
    with screen.capture() as captured:
        screen.print(renderable)
    return [line.rstrip() for line in captured.get().splitlines()]


def container(instance: InstanceName, state: str, *place: str) -> ObservedContainer:
    role = "container" if len(place) == 2 else "sandbox"
    more = dict(zip(("host", "container"), place, strict=False))
    return ObservedContainer("id", instance.named(*place), state, 0, "image", instance.labels(role, **more))


def test_labs_are_shown_with_their_exercises_in_teaching_order() -> None:
    assert [line.split("  ")[0].strip() or line.split()[0] for line in lines(listing([LAB]))] == [
        "lab",
        "lab-11",
        "fifo",
        "tcp",
    ]


def test_what_is_up_is_shown_with_the_command_that_leads_into_it() -> None:
    main, other = InstanceName("lab-11"), InstanceName("lab-12", "mine")
    observed = Observed(
        (
            container(main, "running", "alpha", "left"),
            container(main, "exited", "alpha"),
            container(other, "paused", "beta", "main"),
        )
    )
    rows = [line.split(maxsplit=4) for line in lines(containers(observed))]
    assert rows == [
        ["instance", "host", "container", "state", "shell"],
        ["lab-11", "alpha", "(sandbox)", "exited"],
        ["lab-11", "alpha", "left", "running", "ipclab shell lab-11 alpha/left"],
        ["lab-12/mine", "beta", "main", "paused", "ipclab shell lab-12 beta/main --instance mine"],
    ]
    assert len(lines(containers(observed, "lab-12"))) == 2
    assert lines(containers(observed, "lab-13")) == ["nothing of lab-13 is there"]
    assert lines(containers(Observed())) == ["nothing of ours is there"]


def test_the_doctors_rows_say_what_to_do_about_it() -> None:
    report = Report(
        (Row("engine", "20.10"), Row("seccomp", "[none]", Level.WARN, "run another"), Row("veth", "no", Level.MISSING))
    )
    assert [line.split() for line in lines(draw(report))] == [
        ["what", "found", "what", "to", "do"],
        ["✓", "engine", "20.10"],
        ["!", "seccomp", "[none]", "run", "another"],
        ["✗", "veth", "no"],
    ]


def test_the_makefiles_targets_are_told_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    targets = ["make shell-11 IN=alpha/left", "make shell-11 IN=alpha/right", "make down-11"]
    assert next_commands(InstanceName("lab-11"), LAB) == targets
    monkeypatch.chdir(tmp_path)
    commands = ["ipclab shell lab-11 alpha/left", "ipclab shell lab-11 alpha/right", "ipclab down lab-11"]
    assert next_commands(InstanceName("lab-11"), LAB) == commands


def test_another_instance_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert next_commands(InstanceName("lab-11", "mine"), LAB)[-1] == "ipclab down lab-11 --instance mine"


def test_a_lab_without_a_number_has_no_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "labs" / "try"
    shutil.copytree(ROOT / "labs" / "lab-11", folder)
    (tmp_path / "images").symlink_to(ROOT / "images")
    (tmp_path / "Makefile").touch()
    monkeypatch.chdir(tmp_path)
    assert next_commands(InstanceName("try"), load_lab(folder, only=["fifo"]))[-1] == "ipclab down try"


@pytest.mark.parametrize(
    ("options", "chose"),
    [({"submission": None, "wrong": ""}, False), ({"reference": True}, True), ({"wrong": "a/b"}, True)],
)
def test_who_is_judged_may_be_left_to_what_there_is(options: dict[str, object], chose: bool) -> None:
    assert Wanted(InstanceName("lab-11"), options=options).chose_whose is chose


def test_a_run_covers_what_was_named_or_all(tmp_path: Path) -> None:
    name = InstanceName("lab-11", "mine")
    assert Wanted(name).request(LAB).exercises == ("fifo", "tcp")
    wanted = Wanted(name, ("tcp",), base_image="my/debian", junit_file=Path("x.xml"), jobs=2, options={"seed": "5eed"})
    request = wanted.request(LAB)
    assert (request.exercises, request.instance, request.seed, request.jobs) == (("tcp",), "mine", "5eed", 1)
    assert "--base-image my/debian" in " ".join(request.arguments())
    assert request.junit is not None
    assert request.junit.is_absolute()


@pytest.mark.parametrize(
    ("exercises", "processors", "keeps_sessions", "jobs"),
    [
        (25, 2, False, 2),
        (25, 16, False, 3),
        (25, 2, True, 1),
        (15, 2, False, 1),
        (1, 2, False, 1),
        (25, 1, False, 1),
    ],
)
def test_a_run_has_as_many_workers_as_are_worth_their_instances(
    monkeypatch: pytest.MonkeyPatch, exercises: int, processors: int, keeps_sessions: bool, jobs: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {*range(processors)})
    wanted = Wanted(InstanceName("lab-11"), tuple(f"e{number}" for number in range(exercises)))
    request = wanted.request(LAB, keeps_sessions=keeps_sessions)
    assert request.jobs == jobs
    assert ("-n" in request.arguments()) is (jobs > 1)


def test_a_run_has_no_more_workers_than_exercises_and_one_for_what_was_selected() -> None:
    name, many = InstanceName("lab-11"), tuple(f"e{number}" for number in range(25))
    assert Wanted(name, ("tcp",), jobs=8).request(LAB).jobs == 1
    assert Wanted(name, ("tcp", "fifo"), jobs=8).request(LAB).jobs == 2
    assert Wanted(name, many, options={"select": "one_check"}).request(LAB).jobs == 1
