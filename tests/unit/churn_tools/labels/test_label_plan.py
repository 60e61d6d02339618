"""Predictions and labels through the plan, on streams of files that look like Kafka's."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from churn_kind import CONTRACTS
from pyspark.sql import SparkSession

from churn_tools.labels.label_figures import LabelFigures
from churn_tools.labels.label_kind import LabelKind, read_label_kind
from churn_tools.labels.label_plan import LABELS, PREDICTIONS, LabelPlan, make_observation
from churn_tools.labels.label_query import keep_state
from churn_tools.labels.settings import LabelSettings
from stream_telemetry.batch.progress import read_rows
from stream_telemetry.drift.settings import DriftSettings
from stream_telemetry.metrics import of_model
from stream_telemetry.metrics.store import MetricStore

LOANS = Path(__file__).parents[4] / "examples" / "loans" / "contracts"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE, LONG = 60, 3600
SCHEMA = (
    "key BINARY, value BINARY, topic STRING, partition INT, offset BIGINT, timestamp TIMESTAMP, "
    "headers ARRAY<STRUCT<key: STRING, value: BINARY>>"
)


@dataclass
class Topics:
    """Two topics whose records are files, and the query that reads them."""

    spark: SparkSession
    directory: Path
    kind: LabelKind
    window: int = MINUTE
    delay: int = LONG
    store: MetricStore = field(default_factory=MetricStore)
    sent: int = 0
    unaccounted: int = 0
    failed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        settings = DriftSettings(drift_records=1000, drift_least_records=1)
        self.figures = LabelFigures(
            (PREDICTIONS, LABELS),
            settings,
            lambda version: 0.2,
            logging.getLogger("label-accuracy"),
        )
        self.figures.declare(self.store)
        for topic in (PREDICTIONS, LABELS):
            (self.directory / topic).mkdir(parents=True)

    def predict(self, number: int, *, minute: float = 0, sent_ms: int = 0, **changed: Any) -> None:
        """A prediction of customer `number`, whose event was so many minutes after noon."""
        value = {
            "customerID": customer(number),
            "churn_probability": 0.8,
            "prediction": "Yes",
            "event_ts": at(minute),
            "processed_ts": at(minute),
            "model_version": "one",
            "inference_latency_ms": 0.1,
            **changed,
        }
        source = {"topic": "raw", "partition": "0", "offset": number, "timestamp": sent_ms}
        headers = {f"source_{name}": str(part) for name, part in source.items()}
        self.send(PREDICTIONS, json.dumps(value), headers)

    def label(self, number: int, word: str = "Yes", *, minute: float = 0) -> None:
        """A label of customer `number`, true so many minutes after noon."""
        value = {"customerID": customer(number), "Churn": word, "observed_at": at(minute)}
        self.send(LABELS, json.dumps(value))

    def send(self, topic: str, value: str, headers: Mapping[str, str] | None = None) -> None:
        pairs = [(key, text.encode()) for key, text in (headers or {}).items()]
        row = (None, value.encode(), topic, 0, self.sent, datetime.now(UTC), pairs)
        self.sent += 1
        frame = self.spark.createDataFrame([row], SCHEMA).coalesce(1)
        frame.write.mode("append").parquet(str(self.directory / topic))

    def read(self) -> None:
        """Reads all that is new, by a query that then ends."""
        settings = LabelSettings(label_window=self.window, label_delay=self.delay)
        plan = LabelPlan(self.kind, settings, make_observation(self.kind, self.figures))
        read = self.spark.readStream.schema(SCHEMA)
        sides = (read.parquet(str(self.directory / topic)) for topic in (PREDICTIONS, LABELS))
        keep_state(self.spark)
        query = (
            plan.transform(*sides)
            .writeStream.format("noop")
            .option("checkpointLocation", str(self.directory / "checkpoint"))
            .trigger(availableNow=True)
            .start()
        )
        query.awaitTermination()
        for progress in query.recentProgress:
            rows = read_rows(progress)
            self.figures.take(rows, self.store)
            observed = plan.observation.read_all(rows)
            self.unaccounted += abs(progress.numInputRows - observed.records)
            for reason, count in observed.failed.items():
                self.failed[reason] += count

    @property
    def fates(self) -> dict[str, float]:
        """Those that there are."""
        series = self.store.series(of_model.LABEL_FATES)
        return {name: count for (name,), count in series.items() if count}

    def shown(self, metric: Any, *labels: str) -> float:
        self.figures.show(self.store)
        return self.store.value(metric, *labels, "records")


def customer(number: int) -> str:
    return f"{number:04}-ABCDE"


def at(minute: float) -> str:
    return (NOON + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


@pytest.fixture
def topics(spark: SparkSession, tmp_path: Path) -> Topics:
    return Topics(spark, tmp_path, read_label_kind(CONTRACTS))


def test_the_first_label_in_time_judges_and_those_that_follow_are_repeated(topics: Topics) -> None:
    topics.predict(1)
    topics.predict(2, churn_probability=0.3, prediction="No")
    topics.label(1, "Yes", minute=0.5)
    topics.label(1, "No", minute=0.6)
    topics.label(2, "Yes", minute=0.1)
    topics.read()
    assert topics.fates == {"judged": 2, "repeated": 1}
    labelled = topics.store.series(of_model.LABELLED)
    assert (labelled["yes", "yes"], labelled["no", "yes"], sum(labelled.values())) == (1, 1, 2)
    assert topics.shown(of_model.LABELS) == 2
    assert (topics.shown(of_model.PRECISION), topics.shown(of_model.RECALL)) == (1, 0.5)
    assert topics.shown(of_model.BRIER) == pytest.approx((0.2**2 + 0.7**2) / 2)
    assert topics.shown(of_model.CALIBRATION, "0.9") == 1
    assert topics.store.value(of_model.EXPECTED_BRIER) == 0.2
    assert topics.unaccounted == 0


@pytest.mark.slow
def test_each_waits_for_the_other_over_a_restart_and_counts_once(topics: Topics) -> None:
    topics.predict(1)
    topics.label(2, minute=1)
    topics.read()
    assert topics.fates == {}
    topics.label(1, minute=1)
    topics.predict(2)
    topics.read()
    assert topics.fates == {"judged": 2}
    # The job was killed: its prediction comes again, and the label's sender repeats itself.
    topics.predict(1, processed_ts=at(3))
    topics.label(1, minute=1)
    topics.read()
    assert topics.fates == {"judged": 2, "repeated": 3}
    # Another record in the place of the first: its topic was made anew.
    topics.predict(1, sent_ms=1)
    topics.read()
    assert topics.fates == {"judged": 3, "repeated": 4}


@pytest.mark.slow
def test_a_label_out_of_its_time_judges_nothing_and_who_waits_too_long_is_told(
    spark: SparkSession, tmp_path: Path
) -> None:
    topics = Topics(spark, tmp_path, read_label_kind(CONTRACTS), window=1, delay=1)
    topics.predict(1)
    topics.label(1, minute=0.5)  # half a minute is too late
    topics.predict(2, minute=1)
    topics.label(2, minute=0.9)  # before the event: about another time
    topics.label(3)
    topics.predict(4)
    topics.predict(4)
    topics.read()
    assert topics.fates == {}
    # A prediction is kept for its window and twice the delay.
    time.sleep(4)
    for number in (5, 6):
        # What is kept is looked through with the next batch but one.
        topics.label(number)
        topics.read()
    assert topics.fates["missing"] == 3
    assert topics.fates["unmatched"] >= 3
    topics.label(4, minute=0.01)
    topics.read()
    assert topics.fates["missing"] == 3
    assert "judged" not in topics.fates
    assert topics.unaccounted == 0


@pytest.mark.slow
def test_what_cannot_be_read_is_refused_with_its_place_and_harms_nothing(
    topics: Topics, caplog: pytest.LogCaptureFixture
) -> None:
    topics.predict(1)
    topics.label(1, "Perhaps")
    topics.send(LABELS, "{")
    topics.send(LABELS, json.dumps({"customerID": "secret-name", "Churn": "Yes"}))
    topics.send(PREDICTIONS, json.dumps({"customerID": customer(1), "churn_probability": 7}))
    topics.label(1)
    topics.read()
    assert topics.fates == {"judged": 1}
    assert topics.failed == {"unreadable_label": 3, "unreadable_prediction": 1, "unknown_error": 0}
    told = [record for record in caplog.records if hasattr(record, "event_type")]
    places = {(vars(one)["topic"], vars(one)["partition"], vars(one)["offset"]) for one in told}
    assert places == {*((LABELS, 0, offset) for offset in (1, 2, 3)), (PREDICTIONS, 0, 4)}
    assert "label labels-0-1 cannot be read: Churn: not_in_enum" in caplog.text
    assert "Perhaps" not in caplog.text
    assert "secret-name" not in caplog.text
    assert topics.unaccounted == 0


@pytest.mark.slow
def test_figures_are_those_of_the_model_that_scores_and_come_back_with_it(topics: Topics) -> None:
    topics.predict(1)
    topics.label(1)
    topics.read()
    topics.predict(2, model_version="the other one", churn_probability=0.6, processed_ts=at(5))
    topics.label(2, "No", minute=1)
    topics.read()
    assert topics.shown(of_model.BRIER) == pytest.approx(0.36)
    assert topics.store.total(of_model.LABELLED) == 2
    topics.predict(3, processed_ts=at(9))
    topics.label(3, "No", minute=1)
    topics.read()
    assert topics.shown(of_model.LABELS) == 2
    assert topics.shown(of_model.BRIER) == pytest.approx((0.04 + 0.64) / 2)


@pytest.mark.slow
def test_another_contract_is_judged_by_its_own_names(spark: SparkSession, tmp_path: Path) -> None:
    topics = Topics(spark, tmp_path, read_label_kind(LOANS))
    decision = {
        **{"model": "a", "loan_id": "L-000001", "decision": "refuse", "default_risk": 0.9},
        **{"applied_at": at(0), "decided_at": at(0), "took_ms": 1},
    }
    topics.send(PREDICTIONS, json.dumps(decision))
    # Without a time of its own it is true since it was sent, which is much later.
    topics.send(LABELS, json.dumps({"loan_id": "L-000001", "defaulted": "no"}))
    topics.send(
        LABELS, json.dumps({"loan_id": "L-000001", "defaulted": "yes", "closed_at": at(0.2)})
    )
    topics.read()
    assert topics.fates == {"judged": 1}
    assert topics.store.series(of_model.LABELLED)["yes", "yes"] == 1
