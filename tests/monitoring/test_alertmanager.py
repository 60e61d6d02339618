from __future__ import annotations

import pytest
from monitoring.rule_files import ALERTMANAGER, alerts, read, run


def receiver(**labels: str) -> str:
    words = [f"{name}={value}" for name, value in labels.items()]
    return run(
        "amtool", "config", "routes", "test", f"--config.file={ALERTMANAGER}", *words
    ).strip()


@pytest.mark.needs("amtool")
def test_alertmanager_accepts_its_configuration() -> None:
    run("amtool", "check-config", ALERTMANAGER)


@pytest.mark.needs("amtool")
@pytest.mark.parametrize(("severity", "expected"), [("critical", "on-call"), ("warning", "team")])
def test_an_alert_reaches_whom_its_severity_wants(severity: str, expected: str) -> None:
    assert severity in {alert["labels"]["severity"] for alert in alerts().values()}
    assert receiver(alertname="JobDown", severity=severity, job="kafka_consumer") == expected


@pytest.mark.needs("amtool")
def test_an_alert_of_somebody_else_s_rules_is_not_lost() -> None:
    assert receiver(alertname="Unknown") == "team"


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
