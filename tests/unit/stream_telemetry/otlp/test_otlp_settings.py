"""When a collector may be named."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sources import HOME

from stream_telemetry.otlp import settings
from stream_telemetry.otlp.settings import OtlpSettings
from telco_churn.errors import SettingsError
from telco_churn.settings.resolve import read_settings

ENDPOINT = "http://127.0.0.1:4318"


def test_opentelemetry_s_own_variable_names_the_collector() -> None:
    found = read_settings([], {"OTEL_EXPORTER_OTLP_ENDPOINT": ENDPOINT})
    assert found.otlp.otlp_endpoint == ENDPOINT
    assert read_settings([], {}).otlp.otlp_endpoint is None


def test_without_the_extra_it_is_one_line_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda name: None)
    assert OtlpSettings().otlp_endpoint is None
    with pytest.raises(
        SettingsError, match=r"-r requirements-otel\.lock; or set it to off"
    ) as refused:
        read_settings(["--otlp-endpoint", ENDPOINT], {})
    assert refused.value.exit_code == 2
    assert "\n" not in str(refused.value)


def test_nothing_of_the_extra_is_imported_unless_it_is_wanted() -> None:
    code = (
        "import sys, telco_churn.telemetry\n"
        "sys.exit(str([name for name in sys.modules if name.startswith('opentelemetry')] or ''))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(HOME / "lib")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.stderr.strip() == ""
