"""A scenario goes its way: calm, fault, alert, mended, no alert."""

from __future__ import annotations

from itertools import chain

import pytest

from sandbox.errors import SandboxError
from sandbox.show import play
from sandbox.show.play import Play
from sandbox.show.scenarios import SCENARIOS
from telco_churn.paths import project_home


class Stage:
    """Notes what is done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def cut_kafka_off(self) -> None:
        self.done.append("cut off")

    def bring_kafka_back(self) -> None:
        self.done.append("back")

    def feed(self, *options: str) -> None:
        self.done.append(" ".join(["feed", *options]))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(play, "_CALM_SECONDS", 0.0)
    monkeypatch.setattr(play, "_SHOWN_SECONDS", 0.0)


@pytest.mark.parametrize("name", SCENARIOS)
def test_its_fault_is_done_and_mended_around_its_alert(name: str) -> None:
    stage, firing = Stage(), [False, False, True, True, False]
    one = Play(SCENARIOS[name], stage, lambda: firing.pop(0))
    told = [line for _ in range(20) for line in one.new_lines()]
    assert one.is_over
    assert len(stage.done) == 2
    assert stage.done[0] != stage.done[1]
    assert SCENARIOS[name].happens in told[0]
    assert f"{SCENARIOS[name].alert} fires" in told[1]
    assert told[2:] == ["  The fault is mended.", told[3]]
    assert f"{SCENARIOS[name].alert} has ended" in told[3]
    assert list(one.new_lines()) == []


@pytest.mark.parametrize(("firing", "verb"), [([False] * 9, "fire"), ([True] * 9, "end")])
def test_an_alert_that_does_not_come_or_go_is_told(
    firing: list[bool], verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play, "LIMIT_SECONDS", -1.0)
    one = Play(SCENARIOS["outage"], Stage(), lambda: firing.pop(0))
    with pytest.raises(SandboxError, match=f"ConsumerDisconnected did not {verb} within"):
        [*chain.from_iterable(one.new_lines() for _ in range(9))]


def test_each_scenario_names_an_alert_that_there_is() -> None:
    rules = (project_home() / "conf" / "prometheus" / "alerts.yml").read_text("utf-8")
    for scenario in SCENARIOS.values():
        assert f"- alert: {scenario.alert}\n" in rules
