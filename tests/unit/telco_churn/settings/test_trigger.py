from __future__ import annotations

from typing import Any, cast

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from telco_churn.settings.trigger import DEFAULT_REALTIME, Trigger, parse_trigger


class FakeWriter:
    """Keeps what a DataStreamWriter is told."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {}

    def outputMode(self, mode: str) -> FakeWriter:
        self.told["outputMode"] = mode
        return self

    def trigger(self, **options: object) -> FakeWriter:
        self.told |= options
        return self


@pytest.mark.parametrize(
    ("text", "trigger", "seconds", "told"),
    [
        ("5 seconds", Trigger("interval", "5 seconds"), 5.0, {"processingTime": "5 seconds"}),
        (" 1 minute ", Trigger("interval", "1 minute"), 60.0, {"processingTime": "1 minute"}),
        ("2 HOURS", Trigger("interval", "2 hours"), 7200.0, {"processingTime": "2 hours"}),
        ("5s", Trigger("interval", "5 seconds"), 5.0, {"processingTime": "5 seconds"}),
        (
            "500 ms",
            Trigger("interval", "500 milliseconds"),
            0.5,
            {"processingTime": "500 milliseconds"},
        ),
        ("1M", Trigger("interval", "1 minute"), 60.0, {"processingTime": "1 minute"}),
        ("Once", Trigger("once"), 0.0, {"availableNow": True}),
        ("0 seconds", Trigger("interval", "0 seconds"), 0.0, {"processingTime": "0 seconds"}),
        ("once", Trigger("once"), 0.0, {"availableNow": True}),
        (
            "realtime",
            Trigger("realtime", DEFAULT_REALTIME),
            60.0,
            {"outputMode": "update", "realTime": DEFAULT_REALTIME},
        ),
        (
            "realtime = 5000 milliseconds",
            Trigger("realtime", "5000 milliseconds"),
            5.0,
            {"outputMode": "update", "realTime": "5000 milliseconds"},
        ),
    ],
)
def test_a_trigger_is_read_from_text_and_set_on_the_writer(
    text: str, trigger: Trigger, seconds: float, told: dict[str, object]
) -> None:
    writer = FakeWriter()
    assert parse_trigger(text) == trigger
    assert trigger.seconds == seconds
    trigger.apply(cast("DataStreamWriter", writer))
    assert writer.told == told


@pytest.mark.parametrize("text", ["5 seconds", "once", "realtime=1 minute", "realtime=5 seconds"])
def test_a_trigger_is_shown_as_it_is_written(text: str) -> None:
    assert str(parse_trigger(text)) == text


NOT_TRIGGERS = [
    "",
    "5",
    "5 sekunden",
    "five seconds",
    "-1 seconds",
    "1.5 seconds",
    "٥ seconds",
    "5\N{NO-BREAK SPACE}seconds",
    "5 days",
    "9999999999999 hours",
    "once=5 seconds",
    "realtime 5 seconds",
    "realtime=once",
]


@pytest.mark.parametrize("text", NOT_TRIGGERS)
def test_what_is_no_trigger_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not understood; use an interval such as"):
        parse_trigger(text)


def test_a_real_time_batch_shorter_than_spark_allows_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 5 seconds"):
        parse_trigger("realtime=4999 milliseconds")


@pytest.mark.parametrize(
    "text", ["5 seconds", "5  SECONDS", "1m", "5s", "250 milliseconds", "999999999 hours"]
)
def test_spark_understands_every_interval_that_is_accepted(spark: SparkSession, text: str) -> None:
    jvm: Any = spark.sparkContext._jvm
    sparks = jvm.org.apache.spark.sql.streaming.Trigger.ProcessingTime(parse_trigger(text).interval)
    assert sparks.intervalMs() == parse_trigger(text).seconds * 1000
