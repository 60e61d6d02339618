"""A variable that nothing reads is told once, with the setting that was most likely meant."""

from __future__ import annotations

import pytest

from launcher.cache.class_archive import VARIABLE
from telco_churn.settings.resolve import job_variables, read_settings
from telco_churn.settings.unknown_variables import unknown_variables


def test_a_mistyped_name_gets_its_neighbour(capfd: pytest.CaptureFixture[str]) -> None:
    settings = read_settings([], {"CHURN_STREAM_TRIGER": "once", "CHURN_STREAM_TRIGGER": "9s"})
    assert str(settings.reading.trigger) == "9 seconds"
    assert capfd.readouterr().err == (
        "churn_stream.py: CHURN_STREAM_TRIGER is passed over: no setting has that name; "
        "did you mean CHURN_STREAM_TRIGGER?\n"
    )


def test_a_name_that_is_like_none_is_told_where_the_names_are() -> None:
    (line,) = unknown_variables({"CHURN_STREAM_ZZZZZZZZ": "secret"}, job_variables()).values()
    assert line.endswith("no setting has that name; --help lists the options")
    assert "secret" not in line


@pytest.mark.parametrize(
    "name",
    [
        *("CHURN_STREAM_CONFIG", "CHURN_STREAM_HOME", VARIABLE, "CHURN_STREAM_SPARK_LOG"),
        *("CHURN_STREAM_LOG_PERMISSIONS", "CHURN_STREAM_WATCHED_BY", "CHURN_STREAM_LOG_DIR"),
        # What Kubernetes sets for a service of this name, beside its links.
        *("CHURN_STREAM_METRICS_SERVICE_HOST", "CHURN_STREAM_METRICS_SERVICE_PORT_HTTP"),
        *("CHURN_STREAM_METRICS_PORT_8000_TCP_ADDR", "OTHER_TRIGER"),
    ],
)
def test_what_something_reads_is_not_told(name: str) -> None:
    assert not unknown_variables({name: "1"}, job_variables())
