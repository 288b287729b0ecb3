"""A plan: what it prints, and the order that it insists on."""

from __future__ import annotations

import pytest

from orchestrator.plan import Operation, Plan, Verb, key_of

NET = Operation(Verb.CREATE_NETWORK, "ipclab.lab-90.main.net-lan", "absent")
SANDBOX = Operation(
    Verb.CREATE_SANDBOX, "ipclab.lab-90.main.alpha", "absent", frozenset({"create network ipclab.lab-90.main.net-lan"})
)


def test_an_operation_reads_as_verb_target_and_cause() -> None:
    assert str(NET) == "create network ipclab.lab-90.main.net-lan: absent"


def test_attaching_names_the_network_too() -> None:
    attach = Operation(Verb.ATTACH_NETWORK, "sandbox", "absent", detail="network")
    assert str(attach) == "attach network sandbox network: absent"
    assert attach.key == key_of(Verb.ATTACH_NETWORK, "sandbox", "network")


def test_a_plan_reads_as_one_operation_a_line() -> None:
    assert str(Plan.of([NET, SANDBOX])).splitlines() == [str(NET), str(SANDBOX)]


def test_an_empty_plan_says_so_and_is_false() -> None:
    assert str(Plan.of([])) == "nothing to do"
    assert not Plan.of([])
    assert Plan.of([NET])


def test_waiting_for_what_is_not_in_the_plan_is_dropped() -> None:
    assert Plan.of([SANDBOX]).operations[0].after == frozenset()
    assert Plan.of([NET, SANDBOX]).operations[1].after == {NET.key}


def test_an_operation_can_not_wait_for_a_later_one() -> None:
    with pytest.raises(ValueError, match="waits for a later operation"):
        Plan.of([SANDBOX, NET])


def test_an_operation_is_in_a_plan_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        Plan.of([NET, NET])
