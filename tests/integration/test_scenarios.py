"""Each fault that the sandbox plays fires the alert that it names, in Prometheus, and ends."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from test_sandbox import environment, left_behind, page_at, read_until, streaming

from sandbox.show.scenarios import SCENARIOS

__all__ = ["environment"]

pytestmark = [
    pytest.mark.needs("prometheus", "prometheus-pushgateway", "prometheus-alertmanager"),
    pytest.mark.slow,
]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_fires_its_alert_and_ends(environment: dict[str, str], name: str) -> None:
    alert = SCENARIOS[name].alert
    with streaming(environment, "--scenario", name, "--conf", "spark.ui.port=0") as process:
        shown = read_until(process, rf"{alert} fires, \d+ s after")
        assert "does not answer" not in shown
        rules = page_at(shown, "prometheus", "/api/v1/alerts").decode()
        assert re.search(rf'"alertname":"{alert}"', rules)
        assert b"stream_batch_" in page_at(shown, "pushgateway", "/metrics")
        shown += read_until(process, rf"{alert} has ended, \d+ s after")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=90)
    assert process.returncode == 0, shown + rest
    assert left_behind(environment) == []
    assert list(Path(environment["TMPDIR"]).glob("telco-churn-sandbox-*")) == []
