"""Requests to stop, and others, by signals that either of two processes hears."""

from __future__ import annotations

import os
import threading

import pytest

from stream_telemetry.process import stop_signals
from stream_telemetry.process.stop_signals import StopSignals

LONG_SECONDS = 20.0
"""More than any of these tests takes."""


def asked(times: int = 1) -> StopSignals:
    signals = StopSignals()
    for _ in range(times):
        signals.ask()
    return signals


def test_signals_tell_one_request_from_two() -> None:
    seen = [(asked(times).is_asked, asked(times).is_urgent) for times in range(3)]
    assert seen == [(False, False), (True, False), (True, True)]
    assert asked().wait(LONG_SECONDS)


def test_one_press_that_both_processes_hear_is_one_request_and_the_second_press_is_urgent() -> None:
    signals = StopSignals()
    urgent = []
    for _ in range(2):
        for process in ("the JVM", "Python"):
            signals.ask(process)
            urgent.append(signals.is_urgent)
    assert urgent == [False, False, True, True]


def test_without_a_request_there_is_nothing_to_wait_for() -> None:
    assert not StopSignals().wait(0.001)


def test_a_process_that_does_not_end_after_a_request_is_ended_by_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended, halted = threading.Event(), threading.Event()
    monkeypatch.setattr(stop_signals, "FORCE_SECONDS", 0.01)
    monkeypatch.setattr(os, "_exit", lambda code: ended.set() if code == 0 else None)
    signals = StopSignals()

    def halt() -> None:
        halted.set()
        raise ConnectionResetError

    monkeypatch.setattr(signals, "_halt_jvm", halt)
    signals.ask()
    assert ended.wait(LONG_SECONDS)
    assert halted.is_set()


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP"])
def test_every_signal_asks_for_a_stop_where_nothing_can_be_renewed(name: str) -> None:
    signals = StopSignals()
    signals.hear(name)
    assert signals.is_asked
    assert not signals.take_renewal()


@pytest.mark.parametrize(
    ("name", "had_terminal", "has_terminal", "renews"),
    [
        ("HUP", False, False, True),
        ("HUP", True, True, True),
        ("HUP", True, False, False),
        ("TERM", False, False, False),
        ("INT", True, True, False),
    ],
)
def test_a_hangup_asks_for_a_renewal_unless_the_terminal_is_gone(
    monkeypatch: pytest.MonkeyPatch, name: str, had_terminal: bool, has_terminal: bool, renews: bool
) -> None:
    signals = StopSignals()
    monkeypatch.setattr(signals, "_can_renew", True)
    monkeypatch.setattr(signals, "_had_terminal", had_terminal)
    monkeypatch.setattr(stop_signals, "_has_terminal", lambda: has_terminal)
    signals.hear(name)
    assert (signals.take_renewal(), signals.is_asked) == (renews, not renews)
    assert not signals.take_renewal()
