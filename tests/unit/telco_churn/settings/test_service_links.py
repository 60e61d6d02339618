from __future__ import annotations

import pytest

from telco_churn.errors import SettingsError
from telco_churn.settings.resolve import read_settings
from telco_churn.settings.service_links import without_links

LINKS = {
    "CHURN_STREAM_METRICS_PORT": "tcp://10.96.12.7:8000",
    "CHURN_STREAM_METRICS_PORT_8000_TCP": "udp://[fd00::1]:8000",
}


def test_a_services_address_is_no_setting_and_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    settings = read_settings([], {**LINKS, "CHURN_STREAM_TRIGGER": "once"})
    assert settings.exporter.metrics_port == 8000
    assert settings.reading.trigger.is_once
    assert capsys.readouterr().err == (
        "churn_stream.py: CHURN_STREAM_METRICS_PORT=tcp://10.96.12.7:8000 is passed over: "
        "Kubernetes sets it for a service of that name\n"
    )


def test_a_flag_or_a_real_value_counts_beside_a_service_link(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert read_settings(["--metrics-port", "9"], LINKS).exporter.metrics_port == 9
    assert read_settings([], {"CHURN_STREAM_METRICS_PORT": "9"}).exporter.metrics_port == 9


@pytest.mark.parametrize("value", ["tcp://host:8000", "tcp://10.0.0.1", "http://10.0.0.1:8000"])
def test_what_only_looks_like_a_service_link_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match=r"CHURN_STREAM_METRICS_PORT.* is not a port"):
        read_settings([], {"CHURN_STREAM_METRICS_PORT": value})


def test_variables_of_others_stay_in_the_environment() -> None:
    others = {"KAFKA_BOOTSTRAP_SERVERS": "10.0.0.1:9092", "A": ""}
    assert without_links({**LINKS, **others}) == others
