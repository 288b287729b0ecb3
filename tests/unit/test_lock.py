"""The lock of an instance: one at a time, free when its holder is gone, and it says who has it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from orchestrator.errors import MachineError
from orchestrator.lock import held, lock_folder

HOLDER = """
import sys
from pathlib import Path
from orchestrator.lock import held
with held("lab-90.main", folder=Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[bytes]:
    """Another process that holds the lock until it is killed or its standard input ends."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    return child


def test_a_lock_that_is_free_is_taken_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    for _ in range(3):
        with held("lab-90.main", folder=tmp_path, patience_s=0):
            assert [path.name for path in tmp_path.iterdir()] == ["lab-90.main.lock"]
    assert list(tmp_path.iterdir()) == []


def test_locks_of_two_names_do_not_meet(tmp_path: Path) -> None:
    with held("one", folder=tmp_path, patience_s=0), held("two", folder=tmp_path, patience_s=0):
        pass


def test_a_lock_that_is_held_is_refused_with_its_holders_name(tmp_path: Path) -> None:
    with holder(tmp_path) as child:
        said: list[str] = []
        with (
            pytest.raises(MachineError, match=rf"lab-90.main is still in use by process {child.pid} \(-c "),
            held("lab-90.main", folder=tmp_path, patience_s=0.1, on_wait=said.append),
        ):
            pass
        assert len(said) == 1
        assert said[0].startswith(f"waiting for process {child.pid} (-c ")
        child.communicate()


def test_the_lock_of_a_killed_holder_is_free_and_its_work_is_given_time_to_settle(tmp_path: Path) -> None:
    with holder(tmp_path) as child:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    said: list[str] = []
    began = time.monotonic()
    with held("lab-90.main", folder=tmp_path, patience_s=0, settle_s=0.05, on_wait=said.append):
        assert time.monotonic() - began >= 0.05
    assert len(said) == 1
    assert f"process {child.pid}" in said[0]
    with held("lab-90.main", folder=tmp_path, settle_s=60, on_wait=said.append):
        assert len(said) == 1


def test_many_threads_hold_it_one_after_the_other(tmp_path: Path) -> None:
    inside, most = 0, 0

    def work() -> None:
        nonlocal inside, most
        for _ in range(5):
            with held("lab-90.main", folder=tmp_path):
                inside += 1
                most = max(most, inside)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (inside, most) == (0, 1)


def test_an_error_inside_frees_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="inside"), held("x", folder=tmp_path):
        raise ValueError("inside")
    with held("x", folder=tmp_path, patience_s=0):
        pass


def test_locks_live_below_the_runtime_folder_and_are_nobody_elses_to_read(tmp_path: Path) -> None:
    folder = lock_folder({"XDG_RUNTIME_DIR": str(tmp_path)})
    assert folder == tmp_path / "ipclab"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_without_a_runtime_folder_they_live_in_a_folder_of_our_own_below_tmp() -> None:
    assert lock_folder({}) == Path(f"/tmp/ipclab-{os.getuid()}")
    assert lock_folder({"XDG_RUNTIME_DIR": "/nonexistent"}) == Path(f"/tmp/ipclab-{os.getuid()}")


def test_a_folder_that_is_a_link_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "ipclab").symlink_to("elsewhere")
    with pytest.raises(MachineError, match="is not a folder of yours"):
        lock_folder({"XDG_RUNTIME_DIR": str(tmp_path)})
