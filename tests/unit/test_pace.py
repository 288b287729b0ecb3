"""How slow a machine is, on machines that are made up."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from orchestrator.pace import COMPUTE, FRESH_S, IDLE_COMPUTE_S, IDLE_START_S, OWN_S, SLOWEST, START, Pace


@dataclass
class Machine:
    """What things take on it, as multiples of what they take on an idle one."""

    starts: float = 0.5
    computes: float = 0.5
    own: float = 1.0
    now_s: float = 0.0
    own_s: float = 0.0
    ran: list[tuple[str, ...]] = field(default_factory=list)

    def took_s(self, argv: tuple[str, ...]) -> float:
        self.ran.append(argv)
        return {START: self.starts * IDLE_START_S, COMPUTE: self.computes * IDLE_COMPUTE_S}[argv]

    def processor(self) -> float:
        """Each look takes a hundredth of what we compute for."""
        self.own_s += OWN_S / 100
        self.now_s += OWN_S / 100 * self.own
        return self.own_s

    def pace(self) -> Pace:
        return Pace(self.took_s, lambda: self.now_s, self.processor)


def kept(machine: Machine) -> float:
    pace = machine.pace()
    pace.keep()
    return pace.scale


def test_one_that_is_faster_than_ours_gives_no_less_time() -> None:
    assert kept(Machine()) == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("slow", [Machine(starts=3), Machine(computes=3), Machine(own=3)])
def test_whatever_is_slow_gives_more_time(slow: Machine) -> None:
    assert kept(slow) == pytest.approx(3, rel=0.05)


def test_the_slowest_of_all_has_an_end() -> None:
    assert kept(Machine(own=1000)) == SLOWEST


def test_one_start_that_takes_long_is_no_slow_machine() -> None:
    machine = Machine()
    took_s = machine.took_s
    pace = Pace(lambda argv: took_s(argv) * (20 if len(machine.ran) == 2 else 1), lambda: 0.0, machine.processor)
    pace.keep()
    assert pace.scale == pytest.approx(1, rel=0.05)


def test_it_is_measured_anew_when_that_is_long_ago_only() -> None:
    machine = Machine()
    pace = machine.pace()
    pace.keep()
    machine.computes = 4
    machine.now_s += FRESH_S / 2
    pace.keep()
    assert pace.scale == pytest.approx(1, rel=0.05)
    machine.now_s += FRESH_S / 2
    pace.keep()
    assert pace.scale == pytest.approx(4, rel=0.05)
    machine.computes = 1
    machine.now_s += FRESH_S
    pace.keep()
    assert pace.scale == pytest.approx(1, rel=0.05)
