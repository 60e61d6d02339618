"""The slowest records, as the real Prometheus keeps them."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from binaries import prometheus
from made_batches import OBSERVATION, made_batch
from served import serve
from waiting import eventually

from stream_telemetry.batch.slowest import SlowRecord, Span
from stream_telemetry.metrics.recorder import Recorder

pytestmark = pytest.mark.needs("prometheus")
SPAN = Span("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
BUCKETS = "stream_end_to_end_latency_seconds_bucket"


def exemplars(url: str) -> list[dict[str, Any]]:
    query = f"query={BUCKETS}&start={time.time() - 600:.0f}&end={time.time() + 1:.0f}"
    with urlopen(f"{url}/api/v1/query_exemplars?{query}", timeout=10) as answer:
        return list(json.load(answer)["data"])


def test_prometheus_keeps_the_slowest_record_of_a_batch_with_its_trace(tmp_path: Path) -> None:
    with ExitStack() as stack:
        served = serve(stack)
        recorder = Recorder(served.store, OBSERVATION, "t" * 59)
        batch = made_batch(age=2.0)
        slowest = SlowRecord(1.75, 2, 1_234_567, SPAN)
        recorder.record(replace(batch, observed=replace(batch.observed, slowest=slowest)))
        host, port = served.address
        url = stack.enter_context(prometheus(tmp_path, f"{host}:{port}"))
        assert eventually(lambda: bool(exemplars(url)), 30)
        (kept,) = exemplars(url)
    assert kept["seriesLabels"]["le"] == "2.5"
    (exemplar,) = kept["exemplars"]
    assert exemplar["labels"] == {
        **{"topic": "t" * 59, "partition": "2", "offset": "1234567"},
        "trace_id": SPAN.trace_id,
    }
    assert float(exemplar["value"]) == 1.75
    assert exemplar["timestamp"] == pytest.approx(batch.ended, abs=0.002)
