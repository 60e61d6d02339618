from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from stream_telemetry.wall_clock import WallClock

BOOT = 1_795_000_000.0


@dataclass
class Machine:
    """Two clocks that pass together, until somebody sets one."""

    passed: float = 1000.0
    set_by: float = 0.0
    halts: list[float] = field(default_factory=list)
    """Seconds for which the process is halted after each of the next reads."""

    def _halted(self, value: float) -> float:
        self.passed += self.halts.pop(0) if self.halts else 0.0
        return value

    def clock(self) -> WallClock:
        return WallClock(
            lambda: self._halted(BOOT + self.passed + self.set_by),
            lambda: self._halted(self.passed),
        )


def steps(act: Callable[[Machine], None]) -> tuple[float, float]:
    """What a look tells after an act, and the one after it."""
    machine = Machine()
    clock = machine.clock()
    act(machine)
    return clock.step(), clock.step()


@pytest.mark.parametrize("seconds", [-600.0, -6.0, 6.0, 86_400.0])
def test_a_clock_that_is_set_is_told_once(seconds: float) -> None:
    def act(machine: Machine) -> None:
        machine.passed += 0.2
        machine.set_by = seconds

    assert list(steps(act)) == pytest.approx([seconds, 0.0])


def test_time_that_passes_is_no_step() -> None:
    def act(machine: Machine) -> None:
        machine.passed += 100_000.0

    assert steps(act) == (0.0, 0.0)


def test_what_a_time_service_sets_right_all_the_time_is_no_step() -> None:
    machine = Machine()
    clock = machine.clock()
    for _ in range(1000):
        machine.set_by -= 0.02
        assert clock.step() == 0.0


@pytest.mark.parametrize("read", [0, 1, 2])
def test_a_process_that_is_halted_between_two_reads_has_not_seen_a_step(read: int) -> None:
    def act(machine: Machine) -> None:
        machine.halts = [0.0] * read + [900.0]

    assert steps(act) == (0.0, 0.0)
