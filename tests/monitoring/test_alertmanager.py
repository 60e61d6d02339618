"""Who hears of an alert, and which one explains which, in a real Alertmanager."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest
from binaries import alertmanager
from monitoring.rule_files import ALERTMANAGER, alerts, read, run

Labels = dict[str, str]


def receiver(**labels: str) -> str:
    words = [f"{name}={value}" for name, value in labels.items()]
    return run(
        "amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *words
    ).strip()


@pytest.mark.needs("amtool")
def test_alertmanager_accepts_its_configuration() -> None:
    run("amtool", "check-config", ALERTMANAGER)


@pytest.mark.needs("amtool")
@pytest.mark.parametrize(
    ("severity", "expected"), [("critical", "on-call"), ("warning", "email-notifications")]
)
def test_an_alert_reaches_whom_its_severity_wants(severity: str, expected: str) -> None:
    assert severity in {alert["labels"]["severity"] for alert in alerts().values()}
    assert receiver(alertname="JobDown", severity=severity, job="kafka_consumer") == expected


@pytest.mark.needs("amtool")
def test_an_alert_of_somebody_else_s_rules_is_not_lost() -> None:
    assert receiver(alertname="Unknown") == "email-notifications"


def test_who_knows_the_guide_finds_its_values() -> None:
    config = read(ALERTMANAGER)
    assert config["global"]["resolve_timeout"] == "5m"
    route = config["route"]
    assert {"alertname", "severity"} <= set(route["group_by"])
    expected = {
        "receiver": "email-notifications",
        "group_wait": "10s",
        "group_interval": "10s",
        "repeat_interval": "12h",
    }
    assert {name: route[name] for name in expected} == expected
    assert all("group_interval" not in child for child in route["routes"])


def test_inhibition_names_alerts_that_there_are() -> None:
    matchers = [
        matcher
        for rule in read(ALERTMANAGER)["inhibit_rules"]
        for matcher in (*rule["source_matchers"], *rule["target_matchers"])
    ]
    named = {name for matcher in matchers for name in matcher.split('"')[1].split("|")}
    assert named <= alerts().keys()


def test_no_secret_is_written_down() -> None:
    text = ALERTMANAGER.read_text("utf-8")
    assert "smtp_auth_password_file:" in text
    assert "password:" not in text


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("alertmanager")
    with alertmanager(directory, ALERTMANAGER) as running:
        yield running


def api(url: str, path: str) -> Any:
    with urlopen(f"{url}/api/v2/{path}", timeout=10) as answer:
        return json.load(answer)


def send(url: str, *labels: Labels) -> None:
    body = json.dumps([{"labels": each} for each in labels]).encode()
    request = Request(f"{url}/api/v2/alerts", body, {"Content-Type": "application/json"})
    urlopen(request, timeout=10).close()


def soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def alert(name: str, job: str, **labels: str) -> Labels:
    return {"alertname": name, "job": job, **alerts()[name]["labels"], **labels}


def suppressed(url: str, job: str) -> set[tuple[str, str, str]]:
    """Name, instance and environment of the alerts of a job that are held back."""
    return {
        tuple(one["labels"].get(label, "") for label in ("alertname", "instance", "environment"))
        for one in api(url, "alerts")
        if one["labels"]["job"] == job and one["status"]["inhibitedBy"]
    }


def of_replica(job: str, instance: str, environment: str = "prod") -> list[Labels]:
    """Everything that can be said of a replica, and of its job, but that it is down."""
    target = {"instance": instance, "environment": environment}
    names = (
        *("QueryHung", "ConsumerLagIncreasing", "LagNotDraining", "QueryNotReady"),
        *("RecordsLost", "RecordsUnaccounted", "LogLinesLost", "RestartsTooMany"),
    )
    return [alert(name, job, **target) for name in names]


def of_job(job: str, environment: str = "prod") -> list[Labels]:
    names = ("HighErrorRate", "LowThroughput", "BadRecordsBurnSlow", "LateRecordsBurnFast")
    return [alert(name, job, environment=environment) for name in names]


@pytest.mark.needs("prometheus-alertmanager")
def test_a_dead_replica_holds_back_its_own_states_and_nothing_else(url: str) -> None:
    job = "two-replicas"
    down = alert("JobDown", job, instance="a:8000", environment="prod")
    others = [
        *of_replica(job, "a:8000"),
        *of_replica(job, "b:8000"),
        *of_replica(job, "a:8000", environment="dev"),
        *of_job(job),
        *of_job(job, environment="dev"),
    ]
    send(url, down, *others)
    states = {"QueryHung", "ConsumerLagIncreasing", "LagNotDraining", "QueryNotReady"}
    expected = {(name, "a:8000", "prod") for name in states}
    assert soon(lambda: suppressed(url, job) == expected), suppressed(url, job)


@pytest.mark.needs("prometheus-alertmanager")
def test_a_job_without_any_target_holds_back_no_word_about_records(url: str) -> None:
    job = "vanished"
    send(url, alert("JobDown", job, environment="prod"), *of_replica(job, "a:8000"), *of_job(job))
    assert soon(lambda: len(of_group(url, job)) > 0)
    assert suppressed(url, job) == set()


@pytest.mark.needs("prometheus-alertmanager")
def test_a_lost_broker_explains_that_its_replica_hangs(url: str) -> None:
    job = "no-broker"
    lost = alert("ConsumerDisconnected", job, instance="a:8000", environment="prod")
    send(url, lost, *of_replica(job, "a:8000"), *of_replica(job, "b:8000"), *of_job(job))
    states = {"QueryHung", "ConsumerLagIncreasing", "LagNotDraining", "QueryNotReady"}
    expected = {(name, "a:8000", "prod") for name in states | {"RestartsTooMany"}}
    assert soon(lambda: suppressed(url, job) == expected), suppressed(url, job)


@pytest.mark.needs("prometheus-alertmanager")
def test_a_fast_burn_explains_the_slow_one_of_its_environment(url: str) -> None:
    job = "burns"
    send(
        url, alert("BadRecordsBurnFast", job, environment="prod"), *of_job(job), *of_job(job, "dev")
    )
    expected = {(name, "", "prod") for name in ("HighErrorRate", "BadRecordsBurnSlow")}
    assert soon(lambda: suppressed(url, job) == expected), suppressed(url, job)


def of_group(url: str, job: str) -> list[Labels]:
    """The labels of the mails about a job."""
    groups = api(url, "alerts/groups")
    return [group["labels"] for group in groups if group["labels"].get("job") == job]


@pytest.mark.needs("prometheus-alertmanager")
def test_replicas_share_a_mail_and_environments_do_not(url: str) -> None:
    job = "mails"
    for environment in ("prod", "dev"):
        for instance in ("a:8000", "b:8000"):
            send(url, alert("RecordsLost", job, instance=instance, environment=environment))
    assert soon(lambda: len(of_group(url, job)) == 2)
    assert {group["environment"] for group in of_group(url, job)} == {"prod", "dev"}
    assert all("instance" not in group for group in of_group(url, job))
