"""The commands that the runbook tells a person to run."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pytest
from binaries import alertmanager, pushgateway
from monitoring.rule_files import ALERTMANAGER
from monitoring.runbook_page import command, commands, shell

from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.outlets.gateway import Gateway
from stream_telemetry.outlets.run_report import RunReport


def test_each_command_is_one_that_a_shell_can_read() -> None:
    assert len(commands()) >= 9
    for one in commands():
        subprocess.run(["bash", "-n", "-c", one], check=True, timeout=60)


@pytest.mark.needs("amtool", "prometheus-alertmanager")
def test_an_alert_of_a_job_that_is_gone_for_good_can_be_held_back(tmp_path: Path) -> None:
    with alertmanager(tmp_path, ALERTMANAGER) as url:
        shell(command("amtool", "JobDown").replace("http://localhost:9093", url))
        with urlopen(f"{url}/api/v2/silences", timeout=10) as answer:
            (silence,) = json.load(answer)
    assert {(one["name"], one["value"]) for one in silence["matchers"]} == {
        ("alertname", "JobDown"),
        ("job", "NAME"),
    }


@pytest.mark.needs("prometheus-pushgateway")
def test_the_groups_of_a_run_that_was_killed_can_be_deleted(tmp_path: Path) -> None:
    store = MetricStore()
    store.declare(catalogue.PROCESSED, [("success", "raw")])
    with pushgateway(tmp_path) as url:
        plain = Gateway(url, "churn", "GROUP")
        for gateway in (plain, replace(plain, labels={"environment": "prod"})):
            report = RunReport(gateway, keep=True)
            report.read(store)
            report.push()
        deletion = command("curl -X DELETE").replace("http://localhost:9091", url)
        for end in ("", "/run/once", "/environment/prod", "/environment/prod/run/once"):
            shell(deletion + end)
        with urlopen(f"{url}/api/v1/metrics", timeout=10) as answer:
            assert json.load(answer)["data"] == []
