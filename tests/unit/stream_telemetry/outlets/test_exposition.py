"""The metrics as scrapes ask for them: format, compression, a choice of names."""

from __future__ import annotations

import gzip
import http.client
import re
from contextlib import closing

import pytest
from served import Served

from stream_telemetry.metrics import catalogue


def test_metrics_come_as_text_and_as_openmetrics(served: Served) -> None:
    text = served.get("/metrics")
    assert text.status == 200
    assert text.headers["Content-Type"].startswith("text/plain")
    assert 'kafka_messages_processed_total{status="success",topic="raw"} 0.0' in text.body
    open_metrics = served.get("/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert open_metrics.headers["Content-Type"].startswith("application/openmetrics-text")
    assert open_metrics.body.endswith("# EOF\n")


def test_exemplars_come_with_openmetrics_alone(served: Served) -> None:
    before = served.get("/metrics").body
    where = {"topic": "raw", "partition": "2", "offset": "7", "trace_id": "4bf9"}
    served.store.exemplify(catalogue.PROCESSING_LATENCY, 0.001, where, 1000.5, "step3")
    named = served.get("/metrics", Accept="application/openmetrics-text; version=1.0.0").body
    (line,) = [line for line in named.splitlines() if " # {" in line]
    assert line == (
        'kafka_processing_latency_seconds_bucket{le="0.001",operation="step3"} 0.0 '
        '# {offset="7",partition="2",topic="raw",trace_id="4bf9"} 0.001 1000.5'
    )
    assert served.get("/metrics").body == before


def test_a_scrape_may_ask_for_its_headers_alone(served: Served) -> None:
    head = served.get("/metrics", "HEAD")
    whole = served.get("/metrics")
    assert (head.status, head.body) == (200, "")
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


@pytest.mark.parametrize(
    "accept",
    [
        *(
            "text/plain; version=x.y",
            "application/openmetrics-text; version=",
            "*/*",
            ";;;,,,=",
            "é",
        ),
        *("application/openmetrics-text; version=1.x", "text/plain;version=1.0.0.0;escaping=", "é"),
    ],
)
def test_an_odd_wish_for_a_format_gets_text(served: Served, accept: str) -> None:
    answer = served.get("/metrics", Accept=accept)
    assert answer.status == 200
    assert 'kafka_messages_processed_total{status="success",topic="raw"} 0.0' in answer.body


def test_metrics_are_compressed_as_the_scrape_wants_them(served: Served) -> None:
    plain = served.get("/metrics").body
    host, port = served.address
    with closing(http.client.HTTPConnection(host, port, timeout=10)) as connection:
        connection.request("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
        response = connection.getresponse()
        assert response.getheader("Content-Encoding") == "gzip"
        assert gzip.decompress(response.read()).decode() == plain


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["kafka_messages_processed_total"], {"kafka_messages_processed_total"}),
        (["kafka_messages_processed"], {"kafka_messages_processed_total"}),
        (
            ["kafka_processing_latency_seconds_sum", "kafka_messages_processed_total"],
            {"kafka_processing_latency_seconds_sum", "kafka_messages_processed_total"},
        ),
        (
            ["kafka_processing_latency_seconds"],
            {f"kafka_processing_latency_seconds_{part}" for part in ("bucket", "count", "sum")},
        ),
        (["nothing_of_ours"], set()),
    ],
)
def test_a_scrape_may_name_what_it_wants(served: Served, names: list[str], found: set[str]) -> None:
    query = "&".join(f"name[]={name}" for name in names)
    for accept in ("text/plain", "application/openmetrics-text"):
        body = served.get(f"/metrics?{query}", Accept=accept).body
        series = {re.split(r"[{ ]", line)[0] for line in body.splitlines() if line[0] != "#"}
        assert series == found
