"""The lines about single records, from real output topics; no query is needed to fill them."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from churn_kind import CHURN
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from sandbox.kafka.topics import create_topics
from stream_telemetry.batch.history import BatchHistory
from stream_telemetry.broker import read
from stream_telemetry.health import Health, Limits
from stream_telemetry.logs import records
from stream_telemetry.logs.backlog import RecordLine
from stream_telemetry.logs.records import RecordLog, RecordLogPlan
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from telco_churn.outcome.log_lines import RecordLines
from telco_churn.outcome.message_ids import plain_id

LETTER = json.dumps(
    {"error_type": "validation_error", "validation_errors": [{"field": None, "code": "null_value"}]}
).encode()
PREDICTION = json.dumps({"prediction": "No", "churn_probability": 0.25}).encode()


class Bench:
    """Output topics, and what the log of them says."""

    def __init__(self, broker: str, caplog: pytest.LogCaptureFixture) -> None:
        self.name = f"log-{uuid.uuid4()}"
        self.good, self.bad = f"{self.name}.good", f"{self.name}.bad"
        self.broker = broker
        self.caplog = caplog
        self.store, self.history = MetricStore(), BatchHistory()
        self.health = Health(Limits(60), has_model=False)
        create_topics(broker, {self.good: 3, self.bad: 1})
        self.failures: list[RecordLine] = []
        self._offset = 0

    @contextmanager
    def following(
        self, level: str = "INFO", per_second: int = 1000, *, waits: bool = False
    ) -> Iterator[RecordLog]:
        self.caplog.set_level(level, self.name)
        lines = RecordLines("raw", plain_id, ["tenure"], CHURN)
        plan = RecordLogPlan(
            client={"bootstrap.servers": self.broker},
            outputs={
                self.good: ("success", lines.prediction),
                self.bad: ("failed", lines.dead_letter),
            },
            logger=self.name,
            is_ours=lines.is_ours,
            per_second=per_second,
            waits=waits,
        )
        context = {"query": "churn"}
        log = RecordLog(
            plan, self.store, self.health, self.history, lambda: context, self.failures.append
        )
        log.start()
        try:
            yield log
        finally:
            log.finish(10)

    def send(self, good: int, bad: int, letter: bytes = LETTER) -> None:
        producer = Producer({"bootstrap.servers": self.broker, "linger.ms": 20})
        for topic, value, count in [(self.good, PREDICTION, good), (self.bad, letter, bad)]:
            for _ in range(count):
                place = {"source_topic": b"raw", "source_partition": b"0"}
                place["source_offset"] = str(self._offset).encode()
                self._offset += 1
                producer.produce(topic, value, b"key", headers=list(place.items()))
                producer.poll(0)
        assert producer.flush(30) == 0

    @property
    def lines(self) -> list[dict[str, object]]:
        own = [r.__dict__ for r in self.caplog.records if r.name == self.name]
        return [line for line in own if "event_type" in line]

    def suppressed(self, status: str) -> int:
        return int(self.store.value(catalogue.LOG_SUPPRESSED, status))

    def wait_for(self, lines: int) -> None:
        deadline = time.monotonic() + 20
        while len(self.lines) < lines:
            assert time.monotonic() < deadline, len(self.lines)
            time.sleep(0.05)


@pytest.fixture
def bench(broker: str, caplog: pytest.LogCaptureFixture) -> Bench:
    return Bench(broker, caplog)


def test_each_record_written_since_the_start_is_one_line(bench: Bench) -> None:
    bench.send(good=5, bad=5)
    with bench.following():
        bench.send(good=300, bad=20)
    assert sorted(int(str(line["offset"])) for line in bench.lines) == list(range(10, 330))
    kinds = Counter(line["event_type"] for line in bench.lines)
    assert kinds == {"message_processed": 300, "validation_failure": 20}
    assert {line["query"] for line in bench.lines} == {"churn"}
    assert bench.suppressed("success") == bench.suppressed("failed") == 0


class Electing(Consumer):
    """Answers a few times as a broker does that has not given a new partition a leader yet."""

    refusals = 3
    error = KafkaError.NOT_LEADER_FOR_PARTITION

    def offsets_for_times(self, *args: Any, **options: Any) -> list[TopicPartition]:
        if Electing.refusals:
            Electing.refusals -= 1
            raise KafkaException(KafkaError(Electing.error))
        return super().offsets_for_times(*args, **options)


def test_a_topic_without_a_leader_yet_is_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "Consumer", Electing)
    with bench.following():
        bench.send(good=2, bad=1)
    assert Electing.refusals == 0
    assert len(bench.lines) == 3


def test_lines_begin_later_when_the_ends_of_the_topics_cannot_be_found(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read, "Consumer", Electing)
    monkeypatch.setattr(records, "_START_SECONDS", 0)
    monkeypatch.setattr(Electing, "refusals", 2)
    monkeypatch.setattr(Electing, "error", KafkaError.BROKER_NOT_AVAILABLE)
    with bench.following():
        assert "lines about single records begin later" in bench.caplog.text
        time.sleep(2)
        bench.send(good=2, bad=1)
    assert len(bench.lines) == 3


def test_warning_reads_the_failures_only(bench: Bench) -> None:
    with bench.following("WARNING"):
        bench.send(good=50, bad=7)
    assert [line["event_type"] for line in bench.lines] == ["validation_failure"] * 7
    assert bench.suppressed("success") == 0


def test_error_leaves_out_what_the_senders_are_to_blame_for(bench: Bench) -> None:
    with bench.following("ERROR"):
        bench.send(good=5, bad=5)
        bench.send(good=0, bad=1, letter=b'{"error_type":"inference_error"}')
    assert [line["event_type"] for line in bench.lines] == ["inference_failure"]
    assert bench.suppressed("failed") == 0
    offsets = [line.source.offset for line in bench.failures if line.source]
    assert offsets == list(range(5, 11)), "who looks sees them all the same"


def test_a_flood_stays_within_the_limit_and_what_is_left_out_is_counted_exactly(
    bench: Bench,
) -> None:
    limit = 200
    before = time.monotonic()
    with bench.following(per_second=limit) as log:
        bench.send(good=1000, bad=50_000)
        log.finish(30)
        seconds = time.monotonic() - before
    assert len(bench.lines) <= limit * (seconds + 1)
    assert bench.suppressed("failed") + bench.suppressed("success") == 51_000 - len(bench.lines)
    # What there was room for are failures, but for the successes that came before them.
    failures = sum(line["event_type"] == "validation_failure" for line in bench.lines)
    assert bench.suppressed("failed") == 50_000 - failures
    told = [r.__dict__ for r in bench.caplog.records if "left out" in r.getMessage()]
    assert sum(int(str(line["suppressed_failed"])) for line in told) == 50_000 - failures
    assert sum(int(str(line["suppressed_success"])) for line in told) == 1000 - (
        len(bench.lines) - failures
    )
    per_second = Counter(int(float(str(line["created"]))) for line in bench.lines)
    assert max(per_second.values()) <= 2 * limit


def test_a_line_waits_for_its_batch_and_names_it(bench: Bench) -> None:
    with bench.following(waits=True):
        bench.history.add(7, {("raw", 0): 0})
        bench.send(good=3, bad=0)
        time.sleep(1)
        assert bench.lines == []
        bench.history.add(8, {("raw", 0): 2})
        bench.wait_for(2)
        # The third is in no batch that is complete by then.
    assert [line["batch_id"] for line in bench.lines] == [8, 8, None]


def test_what_other_programs_write_to_the_topics_is_passed_over(bench: Bench) -> None:
    with bench.following():
        producer = Producer({"bootstrap.servers": bench.broker})
        producer.produce(bench.bad, None, None)
        producer.produce(bench.bad, LETTER, b"key", headers=[("source_topic", b"raw")])
        producer.produce(bench.good, b"\xff\xfe", b"\xff", headers=[("source_offset", None)])
        assert producer.flush(10) == 0
        bench.send(good=1, bad=0)
    assert [line["event_type"] for line in bench.lines] == ["message_processed"]
    assert bench.suppressed("success") == bench.suppressed("failed") == 0


def test_what_cannot_be_described_is_told_and_the_rest_goes_on(bench: Bench) -> None:
    ours = [("source_topic", b"raw"), ("source_partition", b"0"), ("source_offset", b"0")]
    with bench.following():
        producer = Producer({"bootstrap.servers": bench.broker})
        producer.produce(bench.bad, None, None, headers=[*ours])
        producer.produce(bench.good, b"\xff\xfe", b"\xff", headers=[*ours])
        assert producer.flush(10) == 0
        bench.send(good=1, bad=0)
    kinds = Counter(line["event_type"] for line in bench.lines)
    assert kinds == {
        "processing_exception": 1,
        "output_validation_failure": 1,
        "message_processed": 1,
    }
