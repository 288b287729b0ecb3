# ruff: noqa: E501 - a message is compared whole
"""exercise.yaml and the files beside it: names that exist, templates that can be filled, folders that are whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import DefinitionError
from orchestrator.spec.load import load_lab

LAB = """\
title: Four hosts
networks:
  lan: {ipv4: 10.11.0.0/28, ipv6: fd00:11::/64}
  wan: {ipv4: 10.11.0.16/28, ipv6: fd00:12::/64}
hosts:
  alpha:
    containers: {left: {}, right: {}}
    networks:
      lan: {ipv4: 10.11.0.3, ipv6: fd00:11::3}
  beta:
    containers: {main: {}}
    networks:
      lan: {ipv4: 10.11.0.4, ipv6: fd00:11::4}
  gamma:
    containers: {main: {}}
    networks:
      wan: {ipv4: 10.11.0.20, ipv6: fd00:12::4}
  far-away:
    containers: {solo: {}}
exercises: [echo]
"""
EXERCISE = """\
title: Echo
topic: sockets
programs:
  server:
    sources: [server.c, both.h]
    container: beta/main
    args: ["{port}"]
    timeout: 3s
  client:
    sources: [client.c, both.h]
    container: alpha/left
    args: ["{beta.ipv4}", "{port}", "{{x}}"]
parameters:
  port: {kind: port}
  size: {kind: integer, min: 1, max: 9}
  word: {kind: choice, values: [a, b]}
ablation:
  client: far-away/solo
wrong:
  says-nothing:
    summary: Says nothing.
    fails: [test_echo, test_two]
"""
CHECKS = "from nowhere import check\n\n@check\ndef test_echo(): ...\ndef test_two(): '\\d'\ndef helper(): ...\n"
SOURCES = ("server.c", "client.c", "both.h")
IDENTIFIERS = "a name here has lower-case letters, digits and underscores, and begins with a letter"
KINDS = "key, integer, text, name, port"


@pytest.fixture
def lab(tmp_path) -> Path:
    """The folder of a lab that is right, with one exercise."""
    folder = tmp_path / "labs" / "lab-11"
    texts = {"lab.yaml": LAB, "README.md": "", "echo/exercise.yaml": EXERCISE, "echo/README.md": ""}
    texts |= {"echo/test_echo.py": CHECKS, "echo/wrong/says-nothing/server.c": ""}
    texts |= {f"echo/{kind}/{source}": "" for kind in ("starter", "solution") for source in SOURCES}
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def problems(lab: Path) -> list[str]:
    try:
        load_lab(lab)
    except DefinitionError as error:
        return [str(problem).removeprefix(f"{lab}/") for problem in error.problems]
    return []


def test_the_exercise_that_the_mistakes_are_made_in_is_right(lab):
    assert problems(lab) == []


NAMES = [
    ("beta/main", "bta/main", "6:16: there is no host `bta`; did you mean `beta`?"),
    ("beta/main", "beta/mian", "6:16: the host `beta` has no container `mian`; did you mean `main`?"),
    ("beta/main", "beta", "6:16: `container` can't be `beta`; write HOST/CONTAINER, such as alpha/left"),
    ("    container: beta", "    given: [drive.c]\n    container: beta",
        "6:13: there is no drive.c beside exercise.yaml; write it"),
    ("  client: far", "  cleint: far", "18:3: there is no program `cleint`; did you mean `client`?"),
    ("far-away/solo", "far-away/sol", "18:11: the host `far-away` has no container `sol`; did you mean `solo`?"),
    ("far-away/solo", "alpha/left",
        "18:11: `client` runs in alpha/left anyway, where the channel is; name a container without it"),
    ("  server:\n", "  beta:\n",
        "4:3: the program `beta` has the name of a host, and a check could not tell them apart; choose another name"),
    ("  server:\n", "  far_away:\n",
        "4:3: the program `far_away` has the name of a host, and a check could not tell them apart; choose another name"),
    ("  server:\n", "  params:\n",
        "4:3: a program can't be called `params`: to a check that means something else; choose another name"),
    ("  server:\n", "  class:\n",
        "4:3: a program can't be called `class`: to a check that means something else; choose another name"),
    ("  server:\n", "  Server:\n", f"4:3: `Server` can't be a name here; {IDENTIFIERS}"),
    ("  size:", "  args:",
        "15:3: a parameter can't be called `args`: to a check that means something else; choose another name"),
]  # fmt: skip

TEMPLATES = [
    ('"{port}"]', '"{prot}"]', "7:12: `{prot}` names no parameter; did you mean `port`?"),
    ('"{port}"]', '"{}"]', "7:12: `{}` names no parameter; choose from port, size, word"),
    ('"{port}"]', '"{port"]', "7:12: a `{` is alone in this template; write {{ for a brace itself"),
    ('"{port}"]', '"port}"]', "7:12: a `}` is alone in this template; write }} for a brace itself"),
    ('"{port}"]', "5]", '7:12: item 1 of `args` must be text, not the number 5; quote it: "5"'),
    ("{beta.ipv4}", "{bta.ipv4}", "12:12: `{bta.ipv4}`: there is no host `bta`; did you mean `beta`?"),
    ("{beta.ipv4}", "{beta.ip}", "12:12: `{beta.ip}` is no address of a host; write {beta.ipv4} or {beta.ipv6}"),
    ("{beta.ipv4}", "{far-away.ipv6}", "12:12: `{far-away.ipv6}`: the host `far-away` is in no network; "
        "give it one in lab.yaml, or name another host"),
    ("{beta.ipv4}", "{gamma.ipv4}", "12:12: `{gamma.ipv4}` is an address in `wan`, the first network of `gamma`, "
        "in which `alpha` is not; put both hosts into it"),
]  # fmt: skip

PARAMETERS = [
    ("{kind: port}", "{kind: prot}", "14:16: `kind` of `port` can't be `prot`; did you mean `port`?"),
    ("{kind: port}", "{kind: 5}",
        f"14:16: `kind` of `port` can't be the number 5; choose from {KINDS}, choice"),
    ("{kind: port}", "{}", f"14:3: `port` has no `kind`; add it: {KINDS} or choice"),
    ("{kind: port}", "{kind: port, min: 5}", "14:22: there is no key `min` in `port`; remove it"),
    ("{kind: port}", "port",
        "14:9: `port` must be a mapping, not `port`; write its keys below it, indented, or {} if it needs none"),
    ("min: 1, max: 9", "min: 10, max: 9",
        "15:30: `min` of `size` (10) is more than its `max` (9); there is no value between them"),
    ("min: 1, max: 9", "min: 1", "15:3: `size` has no `max`; add it: the largest value"),
    ("min: 1, max: 9", "max: x", "15:30: `max` must be a whole number, not `x`; write digits only, without quotes"),
    ("min: 1, max: 9", f"max: {2**63 - 1}", "15:30: `9223372036854775807` is a number of 19 characters, which is too long; "
        'write a shorter one, or quote it: "9223372036854775807"'),
    ("integer, min: 1, max: 9", "text, min: 50",
        "15:27: `min` of `size` (50) is more than its `max` (40); there is no value between them"),
    ("integer, min: 1, max: 9", "text, alphabet: é", "15:32: `alphabet` can't be `é`; use printable ASCII characters only"),
    ("integer, min: 1, max: 9", "name, prefix: x", "15:30: `prefix` can't be `x`; begin it with /, such as /shm- or "
        "/ipc/fifo-, and keep to letters, digits and . _ / -"),
    ("[a, b]", "[a, a]", "16:36: the value `a` is there twice; remove one of the two"),
    ("[a, b]", "[1]", '16:33: item 1 of `values` must be text, not the number 1; quote it: "1"'),
    ("[a, b]", "[]", "16:32: `values` is empty; write at least one"),
    ("timeout: 3s", "timeout: 3", "8:14: the number 3 has no unit; write it like 500ms (units: ms, s, min)"),
    ("timeout: 3s", "timeout: 1:30", '8:14: `1:30` is the number 90 to YAML, in base 60; write 90, or quote it: "1:30"'),
]  # fmt: skip

FILES = [
    ("server.c, both.h", "server.c, server.c, both.h", "5:25: the source `server.c` is there twice; remove one of the two"),
    ("server.c, both.h", "../server.c, both.h", "5:15: item 1 of `sources` can't be `../server.c`; "
        "a source is a file name that ends in .c or .h, without a folder"),
    ("[server.c, both.h]", "[]", "5:14: `sources` is empty; write at least one"),
    ("says-nothing:", "Says-nothing:", "20:3: `Says-nothing` can't be a name here; "
        "a name has lower-case letters, digits and single hyphens, and begins with a letter"),
    ("    summary: Says nothing.\n", "",
        "20:3: `says-nothing` has no `summary`; add it: what it does wrong, in a sentence"),
    ("test_two", "test_tow", "22:24: test_echo.py has no check `test_tow`; did you mean `test_two`?"),
    ("test_two", "helper", "22:24: test_echo.py has no check `helper`; choose from compiles, test_echo, test_two"),
    ("test_two", "test_echo", "22:24: the check `test_echo` is there twice; remove one of the two"),
    ("topic: sockets\n", "", "1:1: the file has no `topic`; add it: what it teaches, in a few words"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), NAMES + TEMPLATES + PARAMETERS + FILES)
def test_a_mistake_is_one_problem_at_its_place(lab, old, new, expected):
    assert old in EXERCISE
    (lab / "echo/exercise.yaml").write_text(EXERCISE.replace(old, new, 1))
    found = [line for line in problems(lab) if "does not name the folder" not in line]
    assert found == [f"echo/exercise.yaml:{expected}"]


def test_a_wrong_solution_may_fail_to_compile(lab):
    (lab / "echo/exercise.yaml").write_text(EXERCISE.replace("test_two", "compiles"))
    assert problems(lab) == []


def test_a_mistyped_source_is_missing_everywhere_and_nothing_else(lab):
    (lab / "echo/exercise.yaml").write_text(EXERCISE.replace("server.c, both.h", "serer.c, both.h", 1))
    assert problems(lab) == [
        "echo/exercise.yaml:5:15: there is no solution/serer.c; did you mean `server.c`?",
        "echo/exercise.yaml:5:15: there is no starter/serer.c; did you mean `server.c`?",
    ]


def test_a_program_needs_more_than_headers(lab):
    for source in lab.glob("echo/*/server.c"):
        source.unlink()
    (lab / "echo/wrong/says-nothing/client.c").touch()
    (lab / "echo/exercise.yaml").write_text(EXERCISE.replace("[server.c, both.h]", "[both.h]", 1))
    expected = "5:14: `server` has headers only, and nothing to compile; name its .c file"
    assert problems(lab)[0] == f"echo/exercise.yaml:{expected}"


def test_files_that_must_be_there_are_missed(lab):
    for name in ("README.md", "echo/README.md", "echo/test_echo.py"):
        (lab / name).unlink()
    assert problems(lab) == [
        "README.md:1:1: the student's handout is missing; write this file",
        "echo/README.md:1:1: the brief is missing; write this file",
        "echo/test_echo.py:1:1: the exercise's checks are missing; write this file",
    ]


def test_a_file_that_no_program_is_built_from_is_noticed(lab):
    (lab / "echo/solution/clint.c").touch()
    (lab / "echo/wrong/says-nothing/severr.c").touch()
    (lab / "echo/solution/notes.txt").touch()
    assert problems(lab) == [
        "echo/exercise.yaml:3:1: solution/clint.c is in the `sources` of no program; did you mean `client.c`?",
        "echo/exercise.yaml:20:3: wrong/says-nothing/severr.c is in the `sources` of no program; did you mean `server.c`?",
    ]


def test_folders_of_wrong_solutions_and_their_names_belong_together(lab):
    (lab / "echo/wrong/says-nothing").rename(lab / "echo/wrong/says-nothin")
    assert problems(lab) == [
        "echo/exercise.yaml:19:1: `wrong` does not name the folder wrong/says-nothin; "
        "say what it does wrong and which checks fail, or remove the folder",
        "echo/exercise.yaml:20:3: there is no folder wrong/says-nothing; did you mean `says-nothin`?",
    ]


@pytest.mark.parametrize(
    ("change", "complaints"),
    [
        ("{file: client.c, replace: open(), by: close()}", []),
        ("{file: client.c, replace: open, by: open}", ["24:43: this is what it replaces; say what is wrong instead"]),
        ("{file: client.c, replace: shut, by: x}",
         ["24:33: `shut` is not in the reference; copy the passage from solution/"]),
        ("{file: client.c, replace: go, by: x}",
         ["24:33: `go` is 2 times in the reference; name more of what is around it"]),
        ("{file: cleint.c, replace: go, by: x}",
         ["24:14: there is no solution/cleint.c; did you mean `client.c`?"]),
        ("{file: server.c, replace: go, by: x}",
         ["24:14: server.c is in wrong/says-nothing as a whole, too; remove one of the two"]),
    ],
)  # fmt: skip
def test_changes_are_of_what_the_reference_has_once(lab, change, complaints):
    (lab / "echo/solution/client.c").write_text("go\n    open();\ngo\n")
    (lab / "echo/exercise.yaml").write_text(f"{EXERCISE}    changes:\n    - {change}\n")
    assert problems(lab) == [f"echo/exercise.yaml:{complaint}" for complaint in complaints]


def test_a_program_runs_where_its_exercise_has_a_host_and_the_grants(lab):
    (lab / "lab.yaml").write_text(LAB.replace("  far-away:\n", "  far-away:\n    only_for: [other]\n") + "")
    (lab / "lab.yaml").write_text((lab / "lab.yaml").read_text().replace("[echo]", "[echo, other]"))
    (lab / "echo/exercise.yaml").write_text(EXERCISE.replace("    timeout: 3s\n", "    grants: [net_raw]\n"))
    assert [line for line in problems(lab) if "echo/" in line] == [
        "echo/exercise.yaml:8:14: the container beta/main does not have `net_raw` among its `grants`; "
        "add it there in lab.yaml, or remove it here",
        "echo/exercise.yaml:18:11: the host `far-away` is brought up for other only; "
        "add echo to its `only_for` in lab.yaml, or choose another host",
    ]


def test_a_wrong_solution_differs_from_the_reference(lab):
    (lab / "echo/wrong/says-nothing/server.c").unlink()
    assert problems(lab) == [
        "echo/exercise.yaml:20:3: wrong/says-nothing has no C file, so it is the reference solution; "
        "put the files there that differ"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"def f(:\n", "1:7: this is not Python: invalid syntax; mend the test file"),
        (b"x = '\0'\n", "1:1: this is not Python: source code string cannot contain null bytes; mend the test file"),
        (b"(" * 5000, "1:201: this is not Python: too many nested parentheses; mend the test file"),
    ],
)
def test_a_test_file_that_is_not_python_is_a_problem_there(lab, text, expected):
    (lab / "echo/test_echo.py").write_bytes(text)
    assert problems(lab) == [f"echo/test_echo.py:{expected}"]


@pytest.mark.parametrize("text", [b"-" * 100_000 + b"1", b"x = '\xff'\n", b"a." * 100_000 + b"b"])
def test_no_test_file_makes_the_reader_crash(lab, text):
    (lab / "echo/test_echo.py").write_bytes(text)
    (problem,) = [line for line in problems(lab) if not line.startswith("echo/exercise.yaml")]
    assert problem.startswith("echo/test_echo.py:1:") and "this is not Python" in problem


def test_the_test_file_is_never_imported(lab):
    (lab / "echo/test_echo.py").write_text(f"raise SystemExit('imported')\n{CHECKS}")
    assert problems(lab) == []


def test_an_exercise_is_named_once_and_has_a_folder(lab):
    (lab / "lab.yaml").write_text(LAB.replace("[echo]", "[ecko, echo, echo]"))
    assert problems(lab) == [
        "lab.yaml:20:13: there is no ecko/exercise.yaml; write it, or take it off the list",
        "lab.yaml:20:25: the exercise `echo` is there twice; remove one of the two",
    ]


def test_a_folder_with_an_exercise_must_be_named(lab):
    (lab / "echo").rename(lab / "fifo")
    (lab / "fifo/test_echo.py").rename(lab / "fifo/test_fifo.py")
    (lab / "lab.yaml").write_text(LAB.replace("[echo]", "[fifi]"))
    assert problems(lab) == [
        "lab.yaml:20:1: the exercise `fifo` is in the folder, and `exercises` does not name it; "
        "add it, to `drafts` while it is being written",
        "lab.yaml:20:13: there is no fifi/exercise.yaml; did you mean `fifo`?",
    ]


def test_a_draft_is_read_only_when_it_is_named(lab):
    (lab / "lab.yaml").write_text(LAB.replace("[echo]", "[]\ndrafts: [echo]"))
    (lab / "echo/exercise.yaml").write_text("nonsense")
    assert problems(lab) == []
    assert dict(load_lab(lab).exercises) == {}
    with pytest.raises(DefinitionError):
        load_lab(lab, only=["echo"])
    (lab / "echo/exercise.yaml").write_text(EXERCISE)
    assert list(load_lab(lab, only=["echo"]).exercises) == ["echo"]


def test_a_draft_has_a_folder_and_is_no_exercise_yet(lab):
    (lab / "lab.yaml").write_text(LAB.replace("[echo]", "[echo]\ndrafts: [echo, ecko]"))
    assert problems(lab) == [
        "lab.yaml:21:10: the draft `echo` is in `exercises`, too; take it off one of the two lists",
        "lab.yaml:21:16: there is no ecko/exercise.yaml; write it, or take it off the list",
    ]


def test_the_mistakes_of_all_files_are_reported_at_once(lab):
    (lab / "lab.yaml").write_text(LAB.replace("title", "titl").replace("10.11.0.4", "10.11.0.1"))
    (lab / "echo/exercise.yaml").write_text(
        EXERCISE.replace("beta/main", "betta/main").replace("kind: port", "kind: prot")
    )
    (lab / "echo/test_echo.py").write_text("def (:\n")
    assert problems(lab) == [
        "echo/exercise.yaml:6:16: there is no host `betta`; did you mean `beta`?",
        "echo/exercise.yaml:14:16: `kind` of `port` can't be `prot`; did you mean `port`?",
        "echo/test_echo.py:1:5: this is not Python: invalid syntax; mend the test file",
        "lab.yaml:1:1: there is no key `titl` at the top of the file; did you mean `title`?",
        "lab.yaml:13:19: 10.11.0.1 of `lan` is the gateway's: the engine takes the first one; take 10.11.0.2 or a later one",
    ]


def test_an_exercise_is_judged_although_the_lab_can_not_be_read(lab):
    (lab / "lab.yaml").write_text("title: [\n")
    (lab / "echo/exercise.yaml").write_text(
        EXERCISE.replace("{port}", "{prot}", 1).replace("beta/main", "nowhere/main")
    )
    assert problems(lab) == [
        "echo/exercise.yaml:7:12: `{prot}` names no parameter; did you mean `port`?",
        "lab.yaml:1:1: a value is missing here; write it, or remove what announces it",
    ]
