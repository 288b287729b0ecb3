"""The program that stops others right before their system calls, tried on cat(1)."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from orchestrator.checks.stepper import KNOWN
from orchestrator.checks.stepping import SCRIPT

pytestmark = [
    pytest.mark.skipif(not KNOWN, reason="a call can be taken back on x86_64 only"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may trace what it has not started"),
]
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}


@contextmanager
def stepping():
    """A cat, and what asks its stepper."""
    with (
        subprocess.Popen(["cat"], **PIPES) as cat,
        subprocess.Popen([sys.executable, "-I", SCRIPT, str(cat.pid)], text=True, **PIPES) as stepper,
    ):
        assert stepper.stdout.readline() == "stepping\n"
        os.set_blocking(cat.stdout.fileno(), False)

        def ask(command):
            stepper.stdin.write(f"{command}\n")
            stepper.stdin.flush()
            return stepper.stdout.readline().strip()

        yield cat, ask
        stepper.stdin.close()
        cat.stdin.close()


def put(cat, text):
    cat.stdin.write(text)
    cat.stdin.flush()


def test_a_program_stands_still_right_before_a_call_and_makes_it_when_it_is_let_go():
    with stepping() as (cat, ask):
        assert ask("hold") == "held"
        put(cat, b"one\n")
        assert ask("call 1") == "there"
        assert cat.stdout.read() is None, "it was to stop before it writes"
        assert ask("release") == "released"
        os.set_blocking(cat.stdout.fileno(), True)
        assert cat.stdout.readline() == b"one\n"


def test_one_that_goes_to_sleep_before_that_call_is_let_go():
    with stepping() as (cat, ask):
        for index, answer in ((3, "there"), (9, "asleep")):  # read() anew, write(), read()
            assert ask("hold") == "held"
            put(cat, b"x\n")
            assert ask(f"call {index}") == answer
            assert cat.stdout.read() == b"x\n"
            if answer == "there":
                assert ask("release") == "released"


def test_one_that_ends_is_let_go():
    with stepping() as (cat, ask):
        assert ask("hold") == "held"
        cat.stdin.close()
        assert ask("call 99") == "asleep"
        assert cat.wait() == 0
