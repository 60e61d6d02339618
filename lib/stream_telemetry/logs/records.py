"""A line for each record that the query has written, read back from the output topics.

So a line means that the record is in Kafka, and writing lines cannot slow the query down.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from confluent_kafka import KafkaException, Message

from stream_telemetry.batch.history import BatchHistory
from stream_telemetry.broker.read import TopicReader
from stream_telemetry.health import Health
from stream_telemetry.logs.backlog import LEVELS, Backlog, RecordLine
from stream_telemetry.logs.rate_limit import RateLimit
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.run.worker import Worker

DEFAULT_PER_SECOND = 1_000
BACKLOG_SECONDS = 10
"""A burst is written at the allowed rate for this long; what is more is left out."""
BATCH_WAIT_SECONDS = 10.0
"""A line waits this long for its batch to be completed, and is then written without its number."""
SUMMARY_SECONDS = 10.0
_TIMEOUT_SECONDS = 4.0
_START_SECONDS = 10.0
"""The query waits this long for the ends of its topics; a new topic has no leader for a moment."""
_NEW_PARTITIONS_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class RecordLogPlan:
    """What is written about single records.

    Attributes:
        client: librdkafka's settings: `bootstrap.servers`, security.
        outputs: for each output topic, the status of its records and what to say of one.
        is_ours: whether the query has written a record; topics may be shared.
        logger: name of the logger to write to; its level decides what is read at all.
        per_second: most lines a second.
        waits: whether to wait for a record's batch to be completed, to name it; in real-time mode
            that takes too long.
    """

    client: Mapping[str, str]
    outputs: Mapping[str, tuple[str, Callable[[Message], RecordLine]]]
    logger: str
    is_ours: Callable[[Message], bool] = lambda message: True
    per_second: int = DEFAULT_PER_SECOND
    waits: bool = True


class RecordLog:
    """Follows the output topics from where they end when it starts."""

    def __init__(
        self,
        plan: RecordLogPlan,
        store: MetricStore,
        health: Health,
        history: BatchHistory,
        context: Callable[[], Mapping[str, object]],
        on_failure: Callable[[RecordLine], None] = lambda line: None,
    ) -> None:
        """Prepares it; nothing is read yet.

        Args:
            plan: what to write.
            store: gets the number of lines that were left out.
            health: gets to know whether the thread is well.
            history: knows the batches of records.
            context: gives the fields that every line has.
            on_failure: is given what is to be said of a record that failed, whatever the level.
        """
        self._plan = plan
        self._store = store
        self._history = history
        self._context = context
        self._on_failure = on_failure
        self._log = logging.getLogger(plan.logger)
        self._backlog = Backlog(BACKLOG_SECONDS * plan.per_second)
        self._rate_limit = RateLimit(plan.per_second)
        self._unsaid = {"failed": 0, "success": 0}
        self._said_at = self._looked_at = time.monotonic()
        self._reader: TopicReader | None = None
        self._is_placed = False
        # Kept over steps: when describing one message fails, the next step goes on with those
        # behind it.
        self._unseen: deque[Message] = deque()
        self._worker = Worker(
            "records",
            self._step,
            store,
            health,
            close=self._close,
            close_seconds=_TIMEOUT_SECONDS,
        )

    def start(self) -> None:
        """Finds the ends of the topics, then follows them; call it before the query writes."""
        outputs = self._plan.outputs.items()
        topics = [t for t, (status, _) in outputs if self._log.isEnabledFor(LEVELS[status])]
        if not topics:
            return
        self._reader = TopicReader(
            self._plan.client,
            topics,
            patience=_TIMEOUT_SECONDS,
            # A dead letter may have a megabyte; the default would keep 64 of them waiting.
            memory_kilobytes=8192,
            has_log=True,
        )
        give_up = time.monotonic() + _START_SECONDS
        while (trouble := self._find_ends(self._reader)) and time.monotonic() < give_up:
            time.sleep(0.2)
        if trouble:
            self._log.warning(
                "lines about single records begin later: %s", trouble, extra=dict(self._context())
            )
        self._worker.start()

    def finish(self, timeout: float) -> None:
        """Writes what is in the topics by now, at the allowed rate, then ends."""
        self._worker.end(timeout)

    def _find_ends(self, reader: TopicReader) -> str | None:
        """Begins where the topics end; gives what is in the way, such as a leader being elected."""
        try:
            reader.follow()
        except KafkaException as error:
            return str(error.args[0])
        self._is_placed = True
        return None

    def _step(self) -> float:
        assert self._reader is not None
        if self._worker.is_ending and self._is_done(self._reader):
            return math.inf
        if not self._is_placed and self._find_ends(self._reader):
            return 1.0
        self._read(self._reader)
        self._write()
        self._look_for_partitions(self._reader)
        return 0.0

    def _close(self) -> None:
        assert self._reader is not None
        self._backlog.drop_all()
        self._count_dropped()
        self._say_dropped()
        self._reader.close()

    def _is_done(self, reader: TopicReader) -> bool:
        """Whether all that was in the topics when the end began is written."""
        try:
            return not (self._unseen or len(self._backlog) or reader.is_behind())
        # A broker that is gone must not hold up the end of the run.
        except KafkaException:
            return True

    def _read(self, reader: TopicReader) -> None:
        # Short, so that lines are written at an even rate.
        self._unseen.extend(reader.poll(0.1, most=500))
        while self._unseen:
            message = self._unseen.popleft()
            status, describe = self._plan.outputs[str(message.topic())]
            if not self._plan.is_ours(message) or not self._backlog.has_room(status):
                continue
            # In a flood most are left out, so describing comes last: it takes the most time.
            line = describe(message)
            if line.status == "failed":
                self._on_failure(line)
            if self._log.isEnabledFor(line.level):
                self._backlog.add(replace(line, received=time.monotonic()))
        self._count_dropped()

    def _write(self) -> None:
        context = self._context()
        while (line := self._backlog.first()) is not None:
            batch = self._history.find(line.source) if line.source else None
            is_patient = self._plan.waits and not self._worker.is_ending
            if batch is None and is_patient and _age(line) < BATCH_WAIT_SECONDS:
                break
            if not self._rate_limit.take():
                break
            self._backlog.pop()
            fields = {**context, **line.fields, "batch_id": batch}
            self._log.log(line.level, line.message, extra=fields)
        if time.monotonic() - self._said_at > SUMMARY_SECONDS:
            self._say_dropped()

    def _count_dropped(self) -> None:
        for status, lines in self._backlog.take_dropped().items():
            self._unsaid[status] += lines
            self._store.add(catalogue.LOG_SUPPRESSED, lines, status)

    def _say_dropped(self) -> None:
        self._said_at = time.monotonic()
        successes, failures = self._unsaid["success"], self._unsaid["failed"]
        if not successes and not failures:
            return
        self._unsaid = {"failed": 0, "success": 0}
        self._log.warning(
            "left out %d lines about single records (%d of them failures): more than %d a second",
            *(successes + failures, failures, self._plan.per_second),
            extra={
                **self._context(),
                "suppressed_success": successes,
                "suppressed_failed": failures,
            },
        )

    def _look_for_partitions(self, reader: TopicReader) -> None:
        if time.monotonic() - self._looked_at > _NEW_PARTITIONS_SECONDS:
            self._looked_at = time.monotonic()
            reader.renew()
            with contextlib.suppress(KafkaException):
                reader.add_new_partitions()


def _age(line: RecordLine) -> float:
    return time.monotonic() - line.received
