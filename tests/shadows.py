"""What the job's own plan writes and counts, with a shadow and without."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from itertools import product
from typing import Any

from plans import watched_pipeline
from pyspark.sql import DataFrame, SparkSession

from churn_tools.producer.source import synthetic_events, to_records
from stream_telemetry.shadow.comparison import ShadowCounts
from telco_churn.model.loading import Model
from telco_churn.outcome import source_headers

_COLUMNS = (
    "key BINARY, value BINARY, topic STRING, partition INT, offset BIGINT, timestamp TIMESTAMP, "
    "headers ARRAY<STRUCT<key: STRING, value: BINARY>>"
)
_TIMES = re.compile(r'"(processed_ts|failed_ts|inference_latency_ms)":("[^"]*"|[^",}]*)')
EVENTS = 300


@cache
def _sent() -> list[tuple[Any, ...]]:
    records = to_records(synthetic_events(EVENTS, seed=5), 0.2, seed=5)
    at = datetime(2026, 1, 1)
    return [(r.key, r.value, "raw", 0, n, at, None) for n, r in enumerate(records)]


def sent(spark: SparkSession) -> DataFrame:
    """Events as they come from Kafka, one of five broken."""
    return spark.createDataFrame(_sent(), _COLUMNS).coalesce(1)


def written(spark: SparkSession, model: Model, shadow: Model | None = None) -> list[Any]:
    """Each output record, byte for byte but for what a clock has said."""
    pipeline = watched_pipeline(model, shadow=shadow)
    rows = pipeline.transform(sent(spark)).select("key", "value", "topic", "headers").collect()
    headers = ([(h.key, bytes(h.value)) for h in row.headers] for row in rows)
    return [
        (row.key, without_times(row.value), row.topic, without_latency(found))
        for row, found in zip(rows, headers, strict=True)
    ]


def counted(spark: SparkSession, model: Model, shadow: Model) -> ShadowCounts:
    """What the plan tells of the shadow."""
    pipeline = watched_pipeline(model, shadow=shadow)
    counting = pipeline.observation.shadow
    assert counting is not None
    answered = sent(spark)
    for step in (pipeline.read, pipeline.judge, pipeline.compare, pipeline.answer):
        answered = answered.transform(step)
    aggregates = counting.aggregates("_observed_shadow")
    row = answered.agg(*(column.alias(name) for name, column in aggregates.items())).first()
    assert row is not None
    return counting.read(row.asDict())


def compared(counts: ShadowCounts) -> Counter[tuple[bool, bool]]:
    """Records by whether the model has said yes, and whether the shadow would have."""
    found = counts.outcomes.sum(axis=0)
    pairs = product((False, True), repeat=2)
    return Counter({(d, s): int(found[int(d), int(s)]) for d, s in pairs})


def scores(spark: SparkSession, model: Model) -> dict[str, float]:
    """What a model gives each customer of the good records, when it decides."""
    answers = [json.loads(value) for _, value, *_ in written(spark, model)]
    return {a["customerID"]: a["churn_probability"] for a in answers if "churn_probability" in a}


def decisions(
    deciding: Mapping[str, float], shadow: Mapping[str, float], *thresholds: float
) -> Counter[tuple[bool, bool]]:
    """Customers by whether the model, and the shadow, would say yes."""
    of_model, of_shadow = thresholds
    return Counter((p >= of_model, shadow[who] >= of_shadow) for who, p in deciding.items())


def without_times(value: str) -> str:
    """The text of an answer but for what a clock has said."""
    return _TIMES.sub(r'"\1":null', value)


def without_latency(headers: Iterable[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """The same of its headers."""
    return [(name, value) for name, value in headers if name != source_headers.LATENCY]
