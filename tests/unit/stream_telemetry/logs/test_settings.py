from __future__ import annotations

from pathlib import Path

import pytest

from stream_telemetry.logs.settings import JVM_LOG, STANDARD_OUTPUT, LogSettings


def test_the_jvms_log_is_where_the_user_is_sent_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JVM_LOG, raising=False)
    assert LogSettings(log_dir=Path("logs")).of_jvm == "logs/spark.log"
    monkeypatch.setenv(JVM_LOG, "spark-2")
    assert LogSettings(log_dir=Path("logs")).of_jvm == "logs/spark-2.log"
    assert LogSettings(log_dir=STANDARD_OUTPUT).of_jvm == "Spark's own lines on standard error"
