"""Random values of checks, and argument templates filled with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.checks.parameters import HELD_S, Ports, draw, fill
from orchestrator.errors import UsageError
from orchestrator.spec.exercise import (
    ChoiceParameter,
    IntegerParameter,
    KeyParameter,
    NameParameter,
    PortParameter,
    TextParameter,
)

PARAMETERS = {
    "key": KeyParameter(kind="key"),
    "size": IntegerParameter(kind="integer", min=27, max=4096),
    "message": TextParameter(kind="text", min=3, max=9),
    "path": NameParameter(kind="name", prefix="/ipc/fifo-"),
    "port": PortParameter(kind="port"),
    "word": ChoiceParameter(kind="choice", values=("yes", "no")),
}


def test_the_same_seed_gives_the_same_values():
    assert dict(draw(PARAMETERS, "s")) == dict(draw(PARAMETERS, "s"))


def test_another_seed_gives_other_values():
    assert dict(draw(PARAMETERS, "s")) != dict(draw(PARAMETERS, "t"))


def test_a_parameter_does_not_depend_on_the_others():
    alone = draw({"key": PARAMETERS["key"]}, "s")
    assert alone.key == draw(PARAMETERS, "s").key


@given(st.text())
def test_every_value_is_within_its_declaration(seed):
    params = draw(PARAMETERS, seed)
    assert 0x10000 <= params.key < 0x7FFFFFFF
    assert 27 <= params.size <= 4096
    assert 3 <= len(params.message) <= 9
    assert params.path.startswith("/ipc/fifo-")
    assert 20000 <= params.port < 30000
    assert params.port >> 8 != params.port & 0xFF, "a forgotten htons() would not show"
    assert params.word in ("yes", "no")


def test_a_port_is_not_drawn_again_before_it_is_free():
    now = 0.0
    ports = Ports(lambda: now)
    parameters = {"port": PARAMETERS["port"]}
    first = draw(parameters, "s", ports).port
    now = HELD_S - 1
    again = [draw(parameters, "s", ports).port for _ in range(300)]
    assert len({first, *again}) == 301
    now = HELD_S
    assert draw(parameters, "s", ports).port == first


def test_no_two_ports_of_a_check_are_the_same():
    many = {f"port{number}": PARAMETERS["port"] for number in range(300)}
    assert len(set(draw(many, "s").values())) == 300


def test_an_unknown_parameter_names_those_that_there_are():
    with pytest.raises(AttributeError, match="no parameter 'kye'; there are key, size"):
        _ = draw(PARAMETERS, "s").kye


def test_templates_take_names_with_dots_and_doubled_braces():
    assert fill(("{a}", "x{host.ipv4}y", "{{a}}"), {"a": 1, "host.ipv4": "10.0.0.1"}) == ("1", "x10.0.0.1y", "{a}")


@pytest.mark.parametrize("template", ["{nothing}", "{", "{a"])
def test_a_template_that_names_nothing_is_an_error(template):
    with pytest.raises(UsageError, match="which is not there"):
        fill((template,), {"a": 1})


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_filling_never_crashes(template, values):
    try:
        fill((template,), values)
    except UsageError:
        return
