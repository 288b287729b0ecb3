"""The pytest plugin: makes fixtures of an exercise's YAML, runs each check in a clean host, and judges its outcome.

`pytest labs/lab-11 --submission DIR` works alone, with `-k`, `-n` and `--junitxml`; `ipclab check` is the same run with
another picture of it. Every pytest in this environment loads this module: outside a lab's exercise folders it does
nothing, and does not even import what it needs for them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.checks.marks import MARK, terms_of
from orchestrator.checks.outcome import Outcome, classify
from orchestrator.checks.stash import COMPARED, CONTEXT, OUTCOMES, STAGE, STAGES
from orchestrator.errors import AgentError, DefinitionError, IpclabError, MachineError

if TYPE_CHECKING:
    from orchestrator.checks.context import CheckContext
    from orchestrator.checks.fixtures import Bench
    from orchestrator.checks.stage import Stage, Stages

COMPILES = "compiles"
COMPARISONS = {
    "==": "",
    "is": "",
    "<": "less than ",
    ">": "more than ",
    "<=": "at most ",
    ">=": "at least ",
    "!=": "not ",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of a run over a lab."""
    group = parser.getgroup("ipclab", "labs of inter-process communication")
    group.addoption("--submission", type=Path, metavar="DIR", help="judge the sources in DIR/EXERCISE/")
    group.addoption("--instance", default="main", metavar="NAME", help="the instance of the lab to use (main)")
    base = os.environ.get("IPCLAB_BASE_IMAGE")
    group.addoption("--base-image", default=base, metavar="IMAGE|TARBALL", help="what images are built on")
    group.addoption("--as-is", action="store_true", help="the instance was brought up by something else: leave it")
    group.addoption("--seed", default="", metavar="TEXT", help="replay a run's random values")
    group.addoption("--wrong", default="", metavar="EXERCISE/NAME", help="judge a known-wrong solution")
    group.addoption("--reference", action="store_true", help="judge the reference solutions")
    group.addoption("--starter", action="store_true", help="judge the starters")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", f"{MARK}(terms): a check with points, a hint and the checks it needs")
    config.stash[OUTCOMES] = {}
    config.stash[COMPARED] = None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of agents and engines; the labs stay up."""
    stages = config.stash.get(STAGES, None)
    if stages is not None:
        stages.close()


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Give a test file of an exercise its fixtures."""
    if not isinstance(collector, pytest.Module) or not _is_exercise(collector.path.parent):
        return
    try:
        stage = stages_of(collector.config).of(collector.path)
    except DefinitionError as error:
        raise pytest.UsageError(str(error)) from error
    if stage is not None:
        from orchestrator.checks.fixtures import register

        collector.stash[STAGE] = stage
        register(stage, collector)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave drafts out, but for those that are named on the command line."""
    if not _is_exercise(collection_path):
        return None
    here = config.invocation_params.dir
    named = [os.path.normpath(here / word.partition("::")[0]) for word in config.args]
    if any(Path(path).is_relative_to(collection_path) for path in named):
        return None
    return True if collection_path.name in stages_of(config).drafts_of(collection_path.parent) else None


def _is_exercise(folder: Path) -> bool:
    return (folder / "exercise.yaml").is_file() and (folder.parent / "lab.yaml").is_file()


def stages_of(config: pytest.Config) -> Stages:
    """The labs of this run."""
    if STAGES not in config.stash:
        from orchestrator.checks.stage import Stages

        config.stash[STAGES] = Stages(config)
    return config.stash[STAGES]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the check that the programs compile before an exercise's first one."""
    found: dict[pytest.Module, list[pytest.Item]] = {}
    for item in items:
        module = item.getparent(pytest.Module)
        if module is not None and STAGE in module.stash:
            found.setdefault(module, []).append(item)
    for module, own in found.items():
        check = pytest.Function.from_parent(module, name=COMPILES, callobj=compiles)
        items.insert(items.index(own[0]), check)


def compiles(bench: Bench) -> None:
    """The programs compile."""
    problems = bench.own.problems()
    assert not problems, "\n".join(f"{name}:\n{text}" for name, text in problems.items())
    for name, text in bench.own.warnings().items():
        bench.context.say(f"{name} compiled with warnings:\n{text}")


def stage_of(item: pytest.Item) -> Stage | None:
    """The exercise that a test belongs to; None outside labs."""
    module = item.getparent(pytest.Module)
    return module.stash.get(STAGE, None) if module else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Block a check whose needs did not pass, whose programs do not compile, or whose exercise has had its time."""
    stage = stage_of(item)
    if stage is None or item.name == COMPILES:
        return
    folder = item.nodeid.rpartition("::")[0]
    outcomes = item.config.stash[OUTCOMES]
    for name in terms_of(item).needs:
        outcome = outcomes.get(f"{folder}::{name}", Outcome.PASSED)
        if outcome is not Outcome.PASSED:
            pytest.skip(f"it builds on «{_title(item, name)}», which did not pass")
    if stage.own().problems():
        pytest.skip("the programs do not compile")
    if stage.is_over():
        pytest.skip(f"the checks before it took {stage.spent_s:.0f} s: no time is left for it")


def _title(item: pytest.Item, name: str) -> str:
    """The sentence of another check of the same file, as the student's table shows it."""
    from orchestrator.checks.judge import title_in

    return title_in(getattr(item.getparent(pytest.Module), "obj", None), name)


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> None:
    """Remember what was compared last: it is what a failing check expected and observed."""
    config.stash[COMPARED] = (COMPARISONS.get(op, f"{op} ") + _shown(right), _shown(left))


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else repr(value)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[Any]:
    """Attach the verdict to the report of a check, and let a failing one explain itself in the student's words."""
    report = yield
    stage = stage_of(item)
    if stage is not None and (call.when == "call" or call.excinfo is not None):
        _attach_verdict(item, stage, call, report)
    item.config.stash[COMPARED] = None
    return report


def _attach_verdict(item: pytest.Item, stage: Stage, call: pytest.CallInfo[None], report: Any) -> None:
    from orchestrator.checks.judge import judge

    error = call.excinfo.value if call.excinfo else None
    context = item.stash.get(CONTEXT, None)
    outcome = _outcome(error, context, in_check=call.when == "call")
    stage.spent_s += call.duration / (context.session.scale if context else 1.0)
    item.config.stash[OUTCOMES][item.nodeid] = outcome
    verdict = judge(item, stage, outcome, error, context, item.config.stash[COMPARED], call.duration)
    report.verdict = verdict.plain()
    report.user_properties.extend([("points", verdict.points), ("max_points", verdict.max_points)])
    if outcome in (Outcome.FAILED, Outcome.GRADER_ERROR) and not _wants_traceback(item.config, error):
        report.longrepr = verdict.explain()


def _outcome(error: BaseException | None, context: CheckContext | None, *, in_check: bool) -> Outcome:
    """How a check ended: what its programs leave no room for is their failure, whatever else failed for it."""
    outcome = classify(error)
    if not in_check:
        return Outcome.GRADER_ERROR if outcome is Outcome.FAILED else outcome
    if isinstance(error, AgentError) and context is not None and _is_exhausted(context):
        return Outcome.FAILED
    return outcome


def _is_exhausted(context: CheckContext) -> bool:
    try:
        return bool(context.exhausted())
    except MachineError:
        # Nobody knows, then it is not the student's.
        return False


def _wants_traceback(config: pytest.Config, error: BaseException | None) -> bool:
    """Authors see Python's own account with -v, and always when a test itself is at fault."""
    own_bug = classify(error) is Outcome.GRADER_ERROR and not isinstance(error, IpclabError)
    return own_bug or config.get_verbosity() > 0


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """The four outcomes in pytest's own progress line."""
    words = {
        Outcome.BLOCKED: ("blocked", "b", "BLOCKED"),
        Outcome.GRADER_ERROR: ("error", "G", "GRADER ERROR"),
    }
    data = getattr(report, "verdict", {})
    return words.get(data.get("outcome", Outcome.PASSED))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The seed, so that a run can be replayed."""
    if STAGES in config.stash:
        seed = config.stash[STAGES].seed
        terminalreporter.write_line(f"random values from seed {seed}; replay with --seed {seed}")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Deal out exercises, not checks."""
    if not any(_is_of_labs(Path(argument.partition("::")[0])) for argument in config.args):
        return None
    from orchestrator.checks.side_by_side import ByExercise

    return ByExercise(config, log)


def _is_of_labs(path: Path) -> bool:
    """Whether it is a test file of an exercise, its folder, a lab's, or one that holds labs."""
    folder = path.parent if path.is_file() else path
    is_one = (folder / "exercise.yaml").is_file() or (folder / "lab.yaml").is_file()
    return is_one or any(folder.glob("*/lab.yaml"))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells the process that started it what it ran on."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None and STAGES in session.config.stash:
        output["ipclab_about"] = session.config.stash[STAGES].about().plain()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """All workers draw from one seed."""
    node.workerinput["ipclab_seed"] = stages_of(node.config).seed
