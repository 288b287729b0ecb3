"""The base image, wherever it comes from, and building on it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from orchestrator.engine.base import Progress
from orchestrator.engine.bases import choose_base, suite_of
from orchestrator.engine.command import Ended
from orchestrator.engine.context import reference, reference_on, references
from orchestrator.engine.fake import FakeEngine
from orchestrator.engine.images import build, calm, ensure_base, proxies
from orchestrator.engine.machine import Machine
from orchestrator.engine.pull import pull_if_possible
from orchestrator.errors import EngineUnavailable, ImageError, UsageError
from orchestrator.world import ImageSpec

BOOKWORM = Machine(
    system="Linux",
    architecture="x86_64",
    release={"ID": "debian", "VERSION_CODENAME": "bookworm"},
    programs=frozenset({"apt-get", "mmdebstrap"}),
    is_root=True,
)
BASE = "ipclab/base:bookworm"
SLIM = "debian:bookworm-slim"
ROOT_FILES = b"a root file system"


@pytest.fixture(autouse=True)
def own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


class Commands:
    """Runs nothing, remembers what it should have run; `codes` has exit statuses that are not 0."""

    def __init__(self, **codes: int) -> None:
        self.codes = codes
        self.ran: list[str] = []

    def __call__(self, argv: Sequence[str], say: Progress, *, output: IO[bytes] | None = None) -> Ended:
        self.ran.append(f"{argv[2]} alone" if argv[0] == "unshare" else argv[0])
        if output:
            output.write(ROOT_FILES)
            output.flush()
            say("I: extracting archives...")
            say("Setting up libc6")
        code = self.codes.get(self.ran[-1].replace(" ", "_"), 0)
        return Ended(code, ("E: it is broken",) if code else ())


def made(engine: FakeEngine, choice: str | None, machine: Machine, run: Commands) -> tuple[str, list[str]]:
    said: list[str] = []
    return ensure_base(engine, choice, said.append, machine=machine, runner=run), said


def release(identity: str, codename: str) -> Machine:
    return replace(BOOKWORM, release={"ID": identity, "VERSION_CODENAME": codename})


@pytest.mark.parametrize(
    ("machine", "suite"),
    [
        (release("debian", "bookworm"), "bookworm"),
        (release("debian", "trixie"), "trixie"),
        (release("debian", "bullseye"), "bookworm"),
        (release("ubuntu", "noble"), "bookworm"),
        (Machine("Darwin", "arm64"), "bookworm"),
    ],
)
def test_a_base_is_of_this_machines_debian_or_else_of_bookworm(machine: Machine, suite: str) -> None:
    assert suite_of(machine) == suite
    assert choose_base(None, machine).reference == f"ipclab/base:{suite}"


def test_a_base_that_is_there_is_taken_as_it_is() -> None:
    engine, run = FakeEngine(images=[BASE]), Commands()
    assert made(engine, None, BOOKWORM, run) == (BASE, [])
    assert (engine.calls, run.ran) == ([], [])


def test_an_image_that_somebody_names_is_taken_without_a_word() -> None:
    engine = FakeEngine(images=["course/base:3"])
    assert made(engine, "course/base:3", BOOKWORM, Commands()) == ("course/base:3", [])


def test_an_image_that_somebody_names_is_pulled_if_it_is_absent() -> None:
    engine = FakeEngine(registry=["course/base:3"])
    assert made(engine, "course/base:3", BOOKWORM, Commands())[0] == "course/base:3"
    assert engine.calls == ["pull image course/base:3"]


def test_an_image_that_can_be_pulled_from_nowhere_is_an_error_of_images() -> None:
    with pytest.raises(ImageError, match="course/base:3"):
        made(FakeEngine(), "course/base:3", BOOKWORM, Commands())


def test_a_tarball_is_imported_once(tmp_path: Path) -> None:
    tarball = tmp_path / "root.tar.xz"
    tarball.write_bytes(ROOT_FILES)
    engine = FakeEngine()
    first, said = made(engine, str(tarball), BOOKWORM, Commands())
    assert first.startswith("ipclab/base:")
    assert str(tarball) in said[0]
    assert made(engine, str(tarball), BOOKWORM, Commands()) == (first, [])
    assert engine.calls == [f"import image {first}"]


def test_another_tarball_is_another_base(tmp_path: Path) -> None:
    tarball = tmp_path / "root.tar"
    tarball.write_bytes(ROOT_FILES)
    first = choose_base(str(tarball), BOOKWORM)
    tarball.write_bytes(ROOT_FILES + b"more")
    assert choose_base(str(tarball), BOOKWORM).reference != first.reference


def test_a_file_that_is_called_like_an_image_does_not_make_it_a_tarball(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "debian").write_bytes(ROOT_FILES)
    assert choose_base("debian", BOOKWORM).tarball is None
    assert choose_base("./debian", BOOKWORM).tarball == Path("debian")


@pytest.mark.parametrize("name", ["gone", "gone.tar", "gone.tar.gz", "gone.tgz", "gone.tar.zst"])
def test_a_tarball_that_is_not_there_is_a_mistake_on_the_command_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="No such file"):
        choose_base(str(tmp_path / name), BOOKWORM)


def test_debians_image_is_used_if_it_is_there_already() -> None:
    engine, run = FakeEngine(images=[SLIM]), Commands()
    assert made(engine, None, BOOKWORM, run)[0] == BASE
    assert engine.calls == [f"build image {BASE}"]
    assert engine.image_id(BASE)


def test_debians_image_is_pulled_where_there_is_a_registry() -> None:
    engine, run = FakeEngine(registry=[SLIM]), Commands()
    assert made(engine, None, BOOKWORM, run)[0] == BASE
    assert engine.calls == [f"pull image {SLIM}", f"build image {BASE}"]
    assert run.ran == []


def test_without_a_registry_mmdebstrap_makes_the_base() -> None:
    engine, run = FakeEngine(), Commands()
    name, said = made(engine, None, BOOKWORM, run)
    assert engine.calls == [f"pull image {SLIM}", f"import image {BASE}"]
    assert name == BASE
    assert run.ran == ["true alone", "apt-config", "mmdebstrap alone"]
    assert said[-1] == "mmdebstrap: extracting archives..."


def test_what_mmdebstrap_wrote_is_what_is_imported(tmp_path: Path) -> None:
    engine, reference_engine = FakeEngine(), FakeEngine()
    made(engine, None, BOOKWORM, Commands())
    (tmp_path / "root.tar").write_bytes(ROOT_FILES)
    reference_engine.import_image(tmp_path / "root.tar", BASE)
    assert engine.image_id(BASE) == reference_engine.image_id(BASE)


def test_a_user_who_is_not_root_leaves_the_mount_namespace_to_mmdebstrap() -> None:
    run = Commands()
    made(FakeEngine(), None, replace(BOOKWORM, is_root=False), run)
    assert run.ran == ["apt-config", "mmdebstrap"]


def test_root_in_a_container_that_may_mount_nothing_goes_on_without_a_namespace() -> None:
    run = Commands(true_alone=1)
    made(FakeEngine(), None, BOOKWORM, run)
    assert run.ran == ["true alone", "apt-config", "mmdebstrap"]


def test_mmdebstrap_is_installed_where_that_is_ours_to_do() -> None:
    run = Commands()
    _, said = made(FakeEngine(), None, replace(BOOKWORM, programs=frozenset({"apt-get"})), run)
    assert run.ran == ["apt-get", "true alone", "apt-config", "mmdebstrap alone"]
    assert any("installing mmdebstrap" in line for line in said)


@pytest.mark.parametrize("machine", [replace(BOOKWORM, may_install=False), replace(BOOKWORM, is_root=False)])
def test_nothing_is_installed_where_it_is_not(machine: Machine) -> None:
    run = Commands()
    machine = replace(machine, programs=frozenset({"apt-get"}))
    with pytest.raises(ImageError, match="mmdebstrap") as caught:
        made(FakeEngine(), None, machine, run)
    assert "sudo apt-get install mmdebstrap" in caught.value.fix
    assert "--base-image" in caught.value.fix
    assert run.ran == []


def test_a_machine_without_apt_is_told_to_name_a_base() -> None:
    with pytest.raises(ImageError) as caught:
        made(FakeEngine(), None, Machine("Linux", "x86_64", {"ID": "fedora"}), Commands())
    assert "--base-image" in caught.value.fix
    assert "apt-get" not in caught.value.fix


def test_the_last_lines_of_a_failed_mmdebstrap_are_shown() -> None:
    engine = FakeEngine()
    with pytest.raises(ImageError, match="E: it is broken"):
        made(engine, None, BOOKWORM, Commands(mmdebstrap_alone=100))
    assert engine.image_id(BASE) is None


def test_a_base_is_not_made_for_an_engine_of_another_architecture() -> None:
    run = Commands()
    with pytest.raises(ImageError, match="aarch64"):
        made(FakeEngine(), None, replace(BOOKWORM, architecture="aarch64"), run)
    assert run.ran == []


class Registry(FakeEngine):
    """An engine whose registry says `lines`, and then nothing until `over` is set."""

    def __init__(self, *lines: str) -> None:
        super().__init__()
        self.lines = lines
        self.over = threading.Event()

    def pull_image(self, reference: str, progress: Progress) -> None:
        for line in self.lines:
            progress(line)
        self.over.wait(10)


@pytest.mark.parametrize("lines", [(), ("bookworm-slim: Pulling from library/debian",)])
def test_a_registry_that_falls_silent_is_given_up(lines: tuple[str, ...]) -> None:
    engine, said = Registry(*lines), list[str]()
    assert not pull_if_possible(engine, SLIM, said.append, first_line_s=0.05, silence_s=0.05)
    engine.over.set()
    assert "said nothing" in said[-1]
    assert list(lines) == said[1:-1]


def test_an_engine_that_goes_away_while_it_pulls_is_no_missing_registry() -> None:
    class Gone(FakeEngine):
        def pull_image(self, reference: str, progress: Progress) -> None:
            raise EngineUnavailable("it went away")

    with pytest.raises(EngineUnavailable):
        pull_if_possible(Gone(), SLIM, print)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """An `images/` with one image in it."""
    folder = tmp_path / "images" / "lab"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    return folder.parent


ARGUMENTS = {"STUDENT_UID": "1000"}


class Slow(FakeEngine):
    """An engine whose builds are seen, and last until they are let go."""

    def __init__(self) -> None:
        super().__init__(images=["base:1"])
        self.building = threading.Event()
        self.go = threading.Event()
        self.arguments: list[dict[str, str]] = []

    def build_image(self, context: bytes, references: Sequence[str], arguments: object, progress: Progress) -> None:
        assert isinstance(arguments, dict)
        self.arguments.append(arguments)
        self.building.set()
        assert self.go.wait(10)
        super().build_image(context, references, arguments, progress)


def spec(images: Path) -> ImageSpec:
    return ImageSpec("lab", reference("lab", "base:1", ARGUMENTS, images))


def test_a_build_gives_both_tags_and_a_second_one_does_nothing(images: Path) -> None:
    engine, wanted = Slow(), spec(images)
    engine.go.set()
    for _ in range(2):
        build(engine, wanted, base="base:1", arguments=ARGUMENTS, progress=print, images=images)
    assert engine.calls == [f"build image {wanted.reference}"]
    assert engine.image_id(wanted.reference) == engine.image_id("ipclab/lab:latest") is not None
    assert engine.arguments[0]["BASE"] == "base:1"
    assert engine.arguments[0]["STUDENT_UID"] == "1000"


def test_an_image_on_ours_is_built_after_it_and_is_another_one_when_it_is(images: Path) -> None:
    engine = Slow()
    engine.go.set()
    (images / "screen").mkdir()
    (images / "screen" / "Dockerfile").write_text("ARG LAB=ipclab/lab\nFROM ${LAB}\n")
    below, wanted = spec(images), ImageSpec("screen", reference_on("screen", "base:1", ARGUMENTS, images))
    build(engine, wanted, base="base:1", arguments=ARGUMENTS, progress=print, images=images)
    assert engine.calls == [f"build image {below.reference}", f"build image {wanted.reference}"]
    assert engine.arguments[1]["LAB"] == below.reference
    assert "BASE" not in engine.arguments[1]
    (images / "lab" / "Dockerfile").write_text("FROM other\n")
    assert references("base:1", ARGUMENTS, images)["screen"] != wanted.reference


def test_of_two_who_build_one_image_the_second_waits_for_the_first(images: Path) -> None:
    engine, wanted, said = Slow(), spec(images), list[str]()
    waiting = threading.Event()

    def say(line: str) -> None:
        said.append(line)
        waiting.set()

    def start(progress: Progress) -> threading.Thread:
        options = {"base": "base:1", "arguments": ARGUMENTS, "progress": progress, "images": images}
        thread = threading.Thread(target=build, args=(engine, wanted), kwargs=options)
        thread.start()
        return thread

    first = start(lambda line: None)
    assert engine.building.wait(10)
    second = start(say)
    assert waiting.wait(10)
    engine.go.set()
    for thread in (first, second):
        thread.join(10)
    assert len(engine.arguments) == 1
    assert wanted.reference in said[0]


def test_files_that_change_before_the_build_are_noticed(images: Path) -> None:
    engine, wanted = Slow(), spec(images)
    (images / "lab" / "Dockerfile").write_text("FROM other\n")
    with pytest.raises(ImageError, match="changed"):
        build(engine, wanted, base="base:1", arguments=ARGUMENTS, progress=print, images=images)
    assert engine.calls == []


def test_a_proxy_is_handed_to_builds_but_one_that_containers_can_not_reach() -> None:
    environment = {
        "HTTP_PROXY": "http://proxy:3128",
        "https_proxy": "http://localhost:3128",
        "no_proxy": "",
        "PATH": "x",
    }
    assert proxies(environment) == {"http_proxy": "http://proxy:3128"}


def test_of_a_builds_output_all_steps_are_shown_and_little_else() -> None:
    said: list[str] = []
    times = iter([0.0, 0.0, 1.0, 2.0, 9.0, 9.0, 9.5, 10.0])
    say = calm(said.append, clock=lambda: next(times))
    for line in ("Step 1/2 : FROM  x", "Get:1", "Get:2", "Get:3", "Get:4"):
        say(line)
    assert said == ["Step 1/2 : FROM x", "Get:3"]
