"""Takes records from a source, checks them and hands them to Kafka when they are due."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from churn_tools.producer.contract_validator import ContractValidator
from churn_tools.producer.pacing import Pacer
from churn_tools.producer.publisher import Publisher, Record
from churn_tools.stop_request import StopRequest
from telco_churn.errors import KafkaUnavailableError
from telco_churn.outcome.message_ids import plain_id

_LONGEST_NAP_SECONDS = 0.1
_logger = logging.getLogger("kafka_producer")


class Inspector:
    """Checks records against their contract before they are sent.

    Attributes:
        refused: Records that broke it so far.
    """

    def __init__(self, referee: ContractValidator, topic: str) -> None:
        self.refused = 0
        self._referee = referee
        self._topic = topic

    def accepts(self, record: Record) -> bool:
        """Whether the record follows the contract; if not, it is counted and logged."""
        try:
            broken_rules = self._referee.violations(self._referee.parse(record.value))
        except ValueError:
            broken_rules = [(None, "json")]
        if not broken_rules:
            return True
        self.refused += 1
        _logger.warning(
            "refused %r: %s",
            plain_id(record.key),
            ", ".join(f"{name or 'message'!r} breaks {rule}" for name, rule in broken_rules),
            extra={
                "event_type": "validation_failure",
                "error_type": "schema_validation",
                "message_id": plain_id(record.key),
                "topic": self._topic,
            },
        )
        return False


class Feed:
    """Sends records, batch by batch, until they end or a stop is requested."""

    def __init__(
        self,
        publisher: Publisher,
        inspector: Inspector | None,
        pacer: Pacer,
        stop: StopRequest,
        batch_size: int,
        on_batch: Callable[[int], None],
    ) -> None:
        """Puts the parts together.

        Args:
            publisher: sends.
            inspector: says which records may be sent; None for all.
            pacer: says when.
            stop: says when to end early.
            batch_size: records between two batch ends.
            on_batch: is told the number of records of each batch that is acknowledged as a whole.
        """
        self._publisher = publisher
        self._inspector = inspector
        self._pacer = pacer
        self._stop = stop
        self._batch_size = batch_size
        self._on_batch = on_batch
        self._in_batch = 0
        self._batch_began = time.monotonic()
        self._sent_before = publisher.sent

    def send(self, records: Iterator[Record]) -> None:
        """Sends all records.

        Raises:
            KafkaUnavailableError: Kafka did not take some records of a batch; that batch is not
                reported to `on_batch`, and no further one is begun.
        """
        # Taken only when it is due, so that the event's time is the time of sending.
        while self._wait_until_due() and (record := next(records, None)) is not None:
            self._pacer.count_event()
            if not self._in_batch:
                self._batch_began = time.monotonic()
            if self._inspector is None or self._inspector.accepts(record):
                self._publisher.publish(record)
            self._in_batch += 1
            if self._in_batch == self._batch_size:
                self.end_batch()
        self.end_batch()

    def end_batch(self) -> None:
        """Waits for what is under way; see `send` for what is raised."""
        self._publisher.flush()
        records, self._in_batch = self._in_batch, 0
        sent, self._sent_before = self._publisher.sent - self._sent_before, self._publisher.sent
        failed = self._publisher.failed
        if records:
            _logger.info(
                "batch of %d: %d sent, %d refused or failed",
                records,
                sent,
                records - sent,
                extra={
                    "topic": self._publisher.topic,
                    "batch_size": records,
                    "success_count": sent,
                    "failure_count": records - sent,
                    "latency_ms": round((time.monotonic() - self._batch_began) * 1000, 3),
                    "suppressed_success": self._publisher.take_unlogged(),
                },
            )
        if failed:
            raise KafkaUnavailableError(
                f"Kafka did not take {failed} records ({self._publisher.last_failure}): see that "
                "the broker is up and takes records of this size, then send again"
            )
        if records:
            self._on_batch(records)

    def _wait_until_due(self) -> bool:
        while not self._stop.is_made and (delay := self._pacer.delay_seconds()) > 0:
            # In short naps, so that a stop and the delivery reports do not wait for a slow rate.
            time.sleep(min(delay, _LONGEST_NAP_SECONDS))
            self._publisher.serve()
        return not self._stop.is_made
