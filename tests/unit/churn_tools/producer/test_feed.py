"""When records are sent, and what is said of each batch.

The integration tests publish to a real broker; here a stand-in says what became of each record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from churn_tools.producer.contract_validator import ContractValidator
from churn_tools.producer.feed import Feed, Inspector
from churn_tools.producer.pacing import Pacer
from churn_tools.producer.publisher import Publisher, Record
from churn_tools.stop_request import StopRequest
from telco_churn.errors import KafkaUnavailableError

CONTRACT = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}


class Sent:
    """Takes records as Kafka would, but for those that it is told to refuse."""

    topic = "raw"

    def __init__(self, *refused: int) -> None:
        self.sent = 0
        self.failed = 0
        self.last_failure = ""
        self.records: list[Record] = []
        self.flushes: list[int] = []
        self._refused = refused
        self.on_wait: Callable[[], None] = lambda: None

    def publish(self, record: Record) -> None:
        self.records.append(record)
        if len(self.records) - 1 in self._refused:
            self.failed += 1
            self.last_failure = "message too large"
        else:
            self.sent += 1

    def flush(self) -> None:
        self.flushes.append(len(self.records))

    def serve(self) -> None:
        self.on_wait()

    def take_unlogged(self) -> int:
        return 0


class Feeding:
    """A feed, and the batches that it has reported."""

    def __init__(self, sent: Sent, *, batch_size: int = 3, checks: bool = False) -> None:
        self.sent = sent
        self.stop = StopRequest()
        self.batches: list[int] = []
        self.inspector = Inspector(ContractValidator(CONTRACT), "raw") if checks else None
        self.feed = Feed(
            cast(Publisher, sent),
            self.inspector,
            Pacer(0),
            self.stop,
            batch_size,
            self.batches.append,
        )


def records(count: int) -> Iterator[Record]:
    return (Record(b"%d" % n, b'{"n": %d}' % n) for n in range(count))


@pytest.mark.parametrize(("count", "batches"), [(0, []), (2, [2]), (3, [3]), (7, [3, 3, 1])])
def test_a_batch_is_reported_once_all_of_it_is_acknowledged(count: int, batches: list[int]) -> None:
    feeding = Feeding(Sent())
    feeding.feed.send(records(count))
    assert feeding.batches == batches
    assert feeding.sent.sent == count
    assert feeding.sent.flushes[-1] == count


def test_a_batch_with_a_record_that_kafka_does_not_take_ends_the_run_unreported() -> None:
    feeding = Feeding(Sent(4))
    with pytest.raises(
        KafkaUnavailableError, match=r"did not take 1 records \(message too large\)"
    ):
        feeding.feed.send(records(9))
    assert feeding.batches == [3]
    assert len(feeding.sent.records) == 6


def test_a_stop_ends_it_between_two_records_and_reports_what_was_sent() -> None:
    feeding = Feeding(Sent())

    def with_a_stop() -> Iterator[Record]:
        for number, record in enumerate(records(9)):
            feeding.stop.is_made = number == 4
            yield record

    feeding.feed.send(with_a_stop())
    assert feeding.batches == [3, 2]


def test_a_record_that_breaks_the_contract_is_counted_and_not_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    feeding = Feeding(Sent(), checks=True)
    sent = [Record(b"a", b'{"n": 1}'), Record(b"b", b'{"n": "x"}'), Record(b"c", b"no JSON")]
    feeding.feed.send(iter(sent))
    assert [record.key for record in feeding.sent.records] == [b"a"]
    assert feeding.inspector is not None
    assert feeding.inspector.refused == 2
    assert feeding.batches == [3], "what was refused is done with too"
    said = [line.getMessage() for line in caplog.records if line.levelname == "WARNING"]
    assert said == ["refused 'b': 'n' breaks type", "refused 'c': 'message' breaks json"]


def test_the_line_of_a_batch_has_its_figures(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "kafka_producer")
    feeding = Feeding(Sent(), checks=True)
    feeding.feed.send(iter([Record(b"a", b'{"n": 1}'), Record(b"b", b"{}")]))
    line = caplog.records[-1]
    assert line.getMessage() == "batch of 2: 1 sent, 1 refused or failed"
    figures = {"topic": "raw", "batch_size": 2, "success_count": 1, "failure_count": 1}
    assert figures.items() <= line.__dict__.items()


def test_a_refused_record_without_a_key_has_no_name(caplog: pytest.LogCaptureFixture) -> None:
    inspector = Inspector(ContractValidator(CONTRACT), "raw")
    assert not inspector.accepts(Record(None, None))
    assert caplog.records[0].__dict__["message_id"] is None


def test_records_are_taken_only_when_they_are_due() -> None:
    sent, now = Sent(), [0.0]
    pacer = Pacer(8, lambda: now[0])
    stop = StopRequest()
    feed = Feed(cast(Publisher, sent), None, pacer, stop, 100, lambda records: None)
    taken: list[float] = []

    def source() -> Iterator[Record]:
        for record in records(5):
            taken.append(now[0])
            yield record

    def pass_time() -> None:
        now[0] += 0.0625

    sent.on_wait = pass_time
    feed.send(source())
    assert taken == pytest.approx([0.0, 0.125, 0.25, 0.375, 0.5])
