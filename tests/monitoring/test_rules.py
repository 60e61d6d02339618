from __future__ import annotations

import re
from typing import Any

import pytest
from monitoring import promql
from monitoring.rule_files import (
    HOME,
    PROMETHEUS,
    alerts,
    headings,
    read,
    run,
)

from stream_telemetry.metrics.catalogue import WORKERS

GUIDE = {
    "HighErrorRate": ("5m", "> 0.05"),
    "ConsumerDisconnected": ("1m", "kafka_consumer_broker_connected == 0"),
    "ModelNotLoaded": ("1m", "kafka_consumer_model_loaded == 0"),
    "HighProcessingLatency": ("5m", "> 1"),
    "ConsumerLagIncreasing": ("10m", "kafka_consumer_lag > 1000"),
    "LowThroughput": ("10m", "< 1"),
}


@pytest.mark.needs("promtool")
def test_prometheus_accepts_its_configuration_and_rules() -> None:
    run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")


@pytest.mark.needs("promtool")
@pytest.mark.parametrize("name", ["alerts.yml", "recording.yml"])
def test_a_file_of_rules_needs_no_other_one(name: str) -> None:
    run("promtool", "check", "rules", PROMETHEUS / name)
    made = {rule["record"] for rule in of_file(name) if "record" in rule}
    used = {metric for rule in of_file(name) for metric in promql.metrics(rule["expr"])}
    recorded = {metric for metric in used if ":" in metric}
    assert recorded <= made


def of_file(name: str) -> list[dict[str, Any]]:
    return [rule for group in read(PROMETHEUS / name)["groups"] for rule in group["rules"]]


@pytest.mark.parametrize("name", GUIDE)
def test_an_alert_of_the_guide_keeps_its_threshold(name: str) -> None:
    duration, threshold = GUIDE[name]
    alert = alerts()[name]
    assert alert["for"] == duration
    assert threshold in " ".join(alert["expr"].split())


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_how_bad_it_is_what_it_means_and_what_it_saw(name: str) -> None:
    alert = alerts()[name]
    assert alert["labels"]["severity"] in ("critical", "warning")
    notes = alert["annotations"]
    assert notes["summary"]
    assert not notes["summary"].endswith(".")
    assert "$value" in notes["description"]
    assert notes["runbook_url"] == f"docs/runbook.md#{name.lower()}"


def test_every_alert_has_its_page_in_the_runbook_and_the_other_way_round() -> None:
    assert headings(HOME / "docs" / "runbook.md") == list(alerts())


def test_each_thread_that_may_be_down_is_explained() -> None:
    entry = (
        (HOME / "docs" / "runbook.md").read_text("utf-8").partition("### TelemetryThreadDown")[2]
    )
    assert {name for name in WORKERS if f"`{name}`" not in entry} == set()


def test_the_guide_s_job_is_scraped_under_its_name_and_labels() -> None:
    jobs = {job["job_name"]: job for job in read(PROMETHEUS / "prometheus.yml")["scrape_configs"]}
    (consumer,) = jobs["kafka_consumer"]["static_configs"]
    assert consumer == {
        "targets": ["localhost:8000"],
        "labels": {"service": "telco-churn-consumer", "environment": "dev"},
    }
    assert jobs["pushgateway"]["honor_labels"] is True


def test_pages_link_to_what_is_there() -> None:
    for page in ("runbook.md", "operations.md"):
        text = (HOME / "docs" / page).read_text("utf-8")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (HOME / "docs" / target).exists(), (page, target)
