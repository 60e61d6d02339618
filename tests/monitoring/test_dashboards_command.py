"""`python -m dashboards` writes rules and dashboards for whoever uses them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dashboards.site import Site
from dashboards.written import written
from monitoring.rule_files import HOME, read, run


def command(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dashboards", *options],
        env=os.environ | {"PYTHONPATH": f"{HOME / 'lib'}:{HOME}"},
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("name", written(Site()))
def test_what_is_committed_is_what_is_written_by_default(name: str) -> None:
    assert (HOME / name).read_text("utf-8") == written(Site())[name], "run: python -m dashboards"


def rules(path: Path) -> dict[str, dict[str, Any]]:
    groups = read(path)["groups"]
    return {rule.get("alert") or rule["record"]: rule for g in groups for rule in g["rules"]}


@pytest.mark.needs("promtool", "amtool")
def test_names_labels_thresholds_and_the_runbook_are_the_user_s(tmp_path: Path) -> None:
    done = command(
        *("--job", "churn", "--target", "churn:9000", "--environment-labels", "env,region"),
        *("--replica-labels", "instance,host", "--runbook", "https://wiki.example.org/churn/"),
        *("--error-share", "0.2", "--lag", "50000", "--throughput", "0", "--fresh-seconds", "120"),
        *("--good-objective", "0.999", "--batch-seconds", "600", "--out", str(tmp_path)),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    prometheus = tmp_path / "conf" / "prometheus"
    alertmanager = tmp_path / "conf" / "alertmanager" / "alertmanager.yml"
    run("promtool", "check", "config", prometheus / "prometheus.yml")
    run("amtool", "check-config", alertmanager)

    made = rules(prometheus / "alerts.yml")
    assert "> 0.2" in made["HighErrorRate"]["expr"]
    assert "without (instance, host, topic, status)" in made["HighErrorRate"]["expr"]
    assert 'up{job="churn"}' in made["JobDown"]["expr"]
    assert "kafka_consumer_lag > 50000" in made["ConsumerLagIncreasing"]["expr"]
    assert "[30m]" in made["ConsumerLagIncreasing"]["expr"]
    assert "< 0" in made["LowThroughput"]["expr"]
    assert 'le=~"120|120[.]0"' in made["LateRecordsBurnFast"]["expr"]
    assert "14.4 * 0.001" in made["BadRecordsBurnFast"]["expr"]
    link = made["JobDown"]["annotations"]["runbook_url"]
    assert link == "https://wiki.example.org/churn#jobdown"

    config = read(prometheus / "prometheus.yml")["scrape_configs"][0]
    assert config["job_name"] == "churn"
    (target,) = config["static_configs"]
    assert target["targets"] == ["churn:9000"]
    assert target["labels"].keys() == {"service", "env", "region"}
    route = read(alertmanager)
    assert route["route"]["group_by"] == ["alertname", "severity", "job", "env", "region"]
    assert route["inhibit_rules"][0]["equal"] == ["job", "instance", "env", "region"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--fresh-seconds", "61"), "--fresh-seconds: '61' is no bound of the histogram"),
        (("--environment-labels", "a b"), "'a b', which is no name of a label"),
        (("--runbook", "https://x.org/#y"), "is no address that #alert can be put behind"),
        (("--error-share", "5"), "'5' is not a number from 0 to 1"),
        (("--jobs", "x"), "did you mean --job?"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    done = command(*options, "--out", str(tmp_path / "out"))
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert said in line
    assert not (tmp_path / "out").exists()
