"""Metrics and spans on their way to a collector: one that takes them, and others."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from made_batches import OBSERVATION, made_batch
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from otlp_collector import Collector, as_scraped, attributes, collector
from prometheus_client import CollectorRegistry
from served import STREAM
from waiting import eventually

from stream_telemetry.batch.slowest import SlowRecord
from stream_telemetry.batch.slowest import Span as Origin
from stream_telemetry.errors import TelemetryError
from stream_telemetry.health import Health, Limits
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.catalogue import CATALOGUE
from stream_telemetry.metrics.recorder import Recorder
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.otlp import spans as spans_module
from stream_telemetry.otlp.thread import OtlpThread

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SLOWEST = SlowRecord(1.75, 2, 1_234_567, Origin(TRACE, SPAN))
SOON = 0.05
NEVER = 3600.0


class Sending:
    """A store, and the thread that sends it."""

    def __init__(self, url: str, interval: float = SOON) -> None:
        self.store = MetricStore()
        self.health = Health(Limits(60), has_model=False)
        self.recorder = Recorder(self.store, OBSERVATION, "raw")
        self.thread = OtlpThread(url, interval, STREAM, self.store, self.health)

    def batch(self, number: int, slowest: SlowRecord | None = None) -> None:
        batch = made_batch(number, refused=2, seconds=1.5)
        batch = replace(batch, observed=replace(batch.observed, slowest=slowest))
        self.recorder.record(batch)
        self.thread.put(batch)

    def errors(self, signal: str) -> float:
        return self.store.value(catalogue.OTLP_ERRORS, signal)

    @property
    def dropped(self) -> float:
        return self.store.value(catalogue.OTLP_DROPPED)


@pytest.fixture
def taking() -> Iterator[Collector]:
    with collector() as made:
        yield made


def scraped(store: MetricStore) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    registry = CollectorRegistry()
    registry.register(store)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in registry.collect()
        for sample in family.samples
    }


def test_names_labels_and_values_are_those_of_a_scrape(taking: Collector) -> None:
    sending = Sending(taking.url, NEVER)
    for metric in CATALOGUE:
        sending.store.declare(metric, [tuple("x" for _ in metric.labels)])
    sending.store.set(catalogue.LAG, 7.5, "raw", "0")
    for number in range(3):
        sending.batch(number, SLOWEST)
    before = time.time_ns()
    sending.thread.start()
    sending.thread.finish()
    # An age, and whether the thread runs, are of their moment.
    moving = {catalogue.WORKER_UP.name}
    expected = {key: value for key, value in scraped(sending.store).items() if key[0] not in moving}
    found = {
        (name, frozenset((key, _bound(value)) for key, value in labels)): value
        for (name, labels), value in as_scraped(taking.latest).items()
        if name not in moving
    }
    assert found == {
        (name, frozenset((key, _bound(value)) for key, value in labels)): value
        for (name, labels), value in expected.items()
    }
    assert len(found) > 250
    for metric in CATALOGUE:
        sent = taking.latest[metric.name]
        assert sent.description == metric.help
        assert sent.unit == {"seconds": "s", "ratio": "1"}.get(metric.unit, "")
    (point,) = taking.latest[catalogue.END_TO_END.name].histogram.data_points
    assert point.start_time_unix_nano < before < point.time_unix_nano
    assert not point.HasField("min")
    (exemplar,) = point.exemplars
    assert (exemplar.as_double, exemplar.trace_id.hex(), exemplar.span_id.hex()) == (
        1.75,
        TRACE,
        SPAN,
    )
    assert attributes(exemplar.filtered_attributes) == {
        "topic": "raw",
        "partition": "2",
        "offset": "1234567",
    }


def test_the_service_is_the_query_unless_the_environment_says_another(
    taking: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sent() -> dict[str, str]:
        sending = Sending(taking.url, NEVER)
        sending.thread.start()
        sending.thread.finish()
        return taking.resource

    own = sent()
    assert own["service.name"] == STREAM.query
    assert own["service.instance.id"] == STREAM.consumer_group
    monkeypatch.setenv("OTEL_SERVICE_NAME", "scoring")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=prod")
    named = sent()
    assert (named["service.name"], named["deployment.environment"]) == ("scoring", "prod")


def test_each_batch_is_a_span_that_links_to_its_slowest_record(taking: Collector) -> None:
    sending = Sending(taking.url)
    sending.thread.start()
    sending.batch(41)
    sending.batch(42, SLOWEST)
    assert eventually(lambda: len(taking.spans) == 2)
    sending.thread.finish()
    first, second = taking.spans
    assert {first.name, second.name} == {"process raw"}
    assert first.kind == Span.SPAN_KIND_CONSUMER
    assert second.status.code == Status.STATUS_CODE_UNSET
    assert second.end_time_unix_nano - second.start_time_unix_nano == pytest.approx(1.5e9, abs=1e3)
    said = attributes(second.attributes)
    assert said == {
        **said,
        "stream.batch_id": "42",
        "messaging.batch.message_count": "102",
        "stream.records_succeeded": "100",
        "stream.records_failed": "2",
        "messaging.destination.name": "raw",
        "messaging.consumer.group.name": "group",
    }
    assert len(first.links) == 0
    (link,) = second.links
    assert (link.trace_id.hex(), link.span_id.hex()) == (TRACE, SPAN)
    assert attributes(link.attributes)["messaging.kafka.offset"] == "1234567"
    assert {span.trace_id for span in taking.spans} & {bytes.fromhex(TRACE)} == set()


def test_a_run_that_fails_is_a_span_with_the_error_since_the_last_batch(taking: Collector) -> None:
    sending = Sending(taking.url, NEVER)
    sending.thread.start()
    sending.batch(1)
    sending.thread.failed("[KAFKA_DATA_LOSS] some data may have been lost")
    sending.thread.finish()
    done, failed = taking.spans
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert failed.status.message == "[KAFKA_DATA_LOSS] some data may have been lost"
    assert failed.start_time_unix_nano == done.end_time_unix_nano
    assert failed.end_time_unix_nano >= failed.start_time_unix_nano


def test_a_login_goes_along_and_one_that_is_malformed_is_not_shown(
    taking: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20c2VjcmV0")
    sending = Sending(taking.url, NEVER)
    sending.thread.start()
    sending.thread.finish()
    assert taking.headers[0]["authorization"] == "Basic c2VjcmV0"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "c2VjcmV0")
    with pytest.raises(TelemetryError, match="OTEL_EXPORTER_OTLP_HEADERS") as told:
        Sending(taking.url)
    assert "c2VjcmV0" not in caplog.text + str(told.value)


def test_a_signal_that_the_environment_turns_off_is_not_sent(
    taking: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    sending = Sending(taking.url, NEVER)
    sending.thread.start()
    sending.batch(1)
    sending.thread.finish()
    assert (len(taking.metrics), taking.spans, sending.dropped) == (2, [], 0)


def test_a_collector_that_is_away_is_one_line_and_gets_the_spans_once_it_is_back(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_telemetry.otlp.thread.TIMEOUT_SECONDS", 0.2)
    with collector() as gone:
        port = gone.server_port
    sending = Sending(f"http://127.0.0.1:{port}")
    with caplog.at_level(logging.INFO):
        sending.thread.start()
        sending.batch(1)
        assert eventually(lambda: sending.errors("metrics") > 2 and sending.errors("traces") > 2)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2, lines
    assert all("Connection refused" in line for line in lines)
    assert [line.split(" did")[0] for line in lines] == [
        f"http://127.0.0.1:{port}/v1/{signal}" for signal in ("metrics", "traces")
    ]
    with collector(port) as back:
        assert eventually(lambda: len(back.spans) == 1)
        sending.thread.finish()
        assert as_scraped(back.latest)["stream_batches_total", frozenset()] == 1
    assert sending.dropped == 0
    assert sending.health.checks.get("telemetry") == "pass"


@pytest.mark.parametrize("status", [307, 404, 500, 503])
def test_an_answer_that_is_an_error_is_counted(
    taking: Collector, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_telemetry.otlp.thread.TIMEOUT_SECONDS", 0.2)
    taking.status = status
    sending = Sending(taking.url)
    sending.thread.start()
    assert eventually(lambda: sending.errors("metrics") > 0)
    taking.status = 200
    assert eventually(lambda: bool(taking.metrics))
    sending.thread.finish()


def test_the_oldest_spans_are_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans_module, "MOST_WAITING", 10)
    monkeypatch.setattr("stream_telemetry.otlp.thread.TIMEOUT_SECONDS", 0.2)
    with collector() as late:
        late.status = 404
        sending = Sending(late.url)
        sending.thread.start()
        for number in range(25):
            sending.batch(number)
        assert eventually(lambda: sending.errors("traces") > 0 and sending.dropped == 15)
        late.status = 200
        assert eventually(lambda: len(late.spans) == 10)
        sending.thread.finish()
        numbers = [attributes(span.attributes)["stream.batch_id"] for span in late.spans]
    assert numbers == [str(number) for number in range(15, 25)]
    assert sending.dropped == 15


def test_a_collector_that_never_answers_holds_up_neither_batches_nor_the_end(
    taking: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stream_telemetry.otlp.thread.LAST_SECONDS", 0.3)
    taking.answers.clear()
    sending = Sending(taking.url)
    sending.thread.start()
    assert eventually(lambda: bool(taking.headers))
    began = time.monotonic()
    for number in range(100):
        sending.batch(number)
    # The collector would hold up each of them for ten seconds.
    assert time.monotonic() - began < 5.0
    began = time.monotonic()
    sending.thread.finish()
    assert time.monotonic() - began < 5.0
    assert sending.health.checks.get("telemetry") == "pass"


def _bound(text: str) -> str:
    """Bounds are written in two ways."""
    try:
        return f"{float(text):g}"
    except ValueError:
        return text
