"""How far behind the query is, by a clock of its own: right while a batch runs, and when idle."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException

from stream_telemetry.batch.progress import Positions
from stream_telemetry.batch.sightings import Sightings
from stream_telemetry.broker.held_back import HeldBack
from stream_telemetry.broker.offsets import BrokerOffsets
from stream_telemetry.broker.partitions import Bounds
from stream_telemetry.broker.start_positions import resume_positions
from stream_telemetry.broker.topic_watch import TopicWatch
from stream_telemetry.health import Health
from stream_telemetry.logs.rate_limit import News
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.run.worker import Worker
from stream_telemetry.stream import Stream

log = logging.getLogger(__name__)

POLL_SECONDS = 3.0
_WATCH_SECONDS = 1.0
"""No answer of the watch is waited for once the query has ended."""
_REPEAT_SECONDS = 60.0
RECOMMIT_SECONDS = 600.0
"""Kafka forgets a group that nobody commits to for a week, and people delete groups."""
_COMMIT_SECONDS = 6.0
"""How long a commit waits for the group's coordinator."""


class LagThread:
    """Asks the broker every `POLL_SECONDS`, and commits progress when there is some."""

    def __init__(
        self,
        offsets: BrokerOffsets,
        store: MetricStore,
        health: Health,
        *,
        resume: Callable[[Bounds], Positions],
        commits: bool,
        on_poll: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepares the thread.

        Args:
            offsets: asks the broker.
            store: gets lag, losses and errors.
            health: gets the connection's state and the age of the oldest record.
            resume: says where the query will begin to read, before its first batch has told.
            commits: whether to commit progress to the consumer group.
            on_poll: called after each question, whatever the answer.
        """
        self._offsets = offsets
        self._store = store
        self._health = health
        self._resume = resume
        self._commits = commits
        self._on_poll = on_poll
        self._watch: TopicWatch | None = None
        self._held_back = HeldBack(store)
        self._news = News(_REPEAT_SECONDS)
        self._ends: Positions = {}
        self._lock = threading.Lock()
        self._progress: Positions = {}
        self._committed: Positions = {}
        self._recommit_at = 0.0
        self._start: Positions | None = None
        self._counted_lost: dict[tuple[str, int], int] = {}
        self._oldest: dict[tuple[str, int], tuple[int, float]] = {}
        self._sightings = Sightings()
        store.declare(catalogue.BROKER_CONNECTED)
        store.declare(catalogue.POLL_ERRORS)
        store.declare(catalogue.COMMIT_ERRORS)
        self._worker = Worker(
            "lag", self._step, store, health, close=self._close, close_seconds=_COMMIT_SECONDS
        )

    def start(self) -> None:
        """Begins to ask."""
        self._worker.start()

    def advance(self, positions: Positions) -> None:
        """Takes the positions that a batch has reached; never waits."""
        with self._lock:
            self._progress = {**self._progress, **positions}
        self._worker.wake()

    @contextmanager
    def watched_by(self, watch: TopicWatch | None) -> Iterator[None]:
        """A block in which the watch runs, and is told each answer."""
        if watch is None:
            yield
            return
        self._watch = watch
        watch.start(self._store, self._health, self._worker.wake)
        try:
            yield
        finally:
            watch.finish(_WATCH_SECONDS)

    def behind(self, positions: Positions) -> int | None:
        """Records between these positions and the ends that the broker last told, if it has."""
        ends = self._ends
        if not ends.keys() >= positions.keys():
            return None
        return sum(max(0, ends[key] - position) for key, position in positions.items())

    def finish(self, timeout: float) -> None:
        """Commits what is left to commit, then ends."""
        self._worker.end(timeout)

    def _step(self) -> float:
        if self._worker.is_ending:
            return math.inf
        try:
            self._poll()
        finally:
            # Also after an error: neither health nor progress depends on the answer.
            self._on_poll()
            self._commit()
        return POLL_SECONDS

    def _close(self) -> None:
        try:
            self._commit()
        finally:
            self._offsets.close()

    def _poll(self) -> None:
        try:
            bounds = self._offsets.bounds()
            positions = self._positions(bounds)
            if self._watch:
                self._watch.note(bounds, positions)
            ages = self._ages(bounds, positions)
        except KafkaException as error:
            self._store.add(catalogue.POLL_ERRORS, 1)
            self._show_connection(is_connected=False)
            # A code below zero is the client's own: nobody has answered, and other lines say so.
            is_refusal = error.args[0].code() > 0 and self._news.is_news("poll")
            log.log(
                logging.WARNING if is_refusal else logging.DEBUG,
                "the broker does not tell its offsets, so lag is not known: %s",
                error.args[0].str(),
            )
            return
        self._show_connection(is_connected=True)
        self._show(bounds, positions, ages)
        self._held_back.note(bounds)

    def _positions(self, bounds: Bounds) -> Positions:
        """Where the query stands in each partition; a new partition is read from its beginning."""
        if self._start is None:
            self._start = self._resume(bounds)
        with self._lock:
            known = {**self._start, **self._progress}
        return {key: known.get(key, beginning) for key, beginning in bounds.beginnings.items()}

    def _ages(self, bounds: Bounds, positions: Positions) -> dict[tuple[str, int], float]:
        """Age of each partition's next record, 0 for none; left out when nobody told.

        By its timestamp; but it is at least as old as the time that it was seen to wait.
        """
        self._sightings.note(bounds.ends, positions)
        waiting = {
            key: max(position, bounds.beginnings[key])
            for key, position in positions.items()
            if bounds.ends[key] > max(position, bounds.beginnings[key])
        }
        # A timestamp is asked for once for each position, as the answer costs reading a record.
        known = {k: v for k, v in self._oldest.items() if waiting.get(k) == v[0]}
        if unknown := {key: at for key, at in waiting.items() if key not in known}:
            made = self._offsets.timestamps(unknown)
            known |= {key: (unknown[key], seconds) for key, seconds in made.items()}
        self._oldest = known
        now = time.time()
        ages = {
            key: max(now - seconds, self._sightings.waited(key))
            for key, (_, seconds) in known.items()
        }
        return dict.fromkeys(positions.keys() - waiting.keys(), 0.0) | ages

    def _show(
        self, bounds: Bounds, positions: Positions, ages: dict[tuple[str, int], float]
    ) -> None:
        self._ends = bounds.ends
        with self._store.together():
            for key, position in positions.items():
                labels = (key[0], str(key[1]))
                self._store.set(catalogue.LAG, max(0, bounds.ends[key] - position), *labels)
                if key in ages:
                    self._store.set(catalogue.LAG_SECONDS, ages[key], *labels)
                start = max(position, self._counted_lost.get(key, 0))
                lost = max(0, bounds.beginnings[key] - start)
                self._store.add(catalogue.RECORDS_LOST, lost, *labels)
                # So that a loss is counted once, however often it is seen.
                self._counted_lost[key] = max(start, bounds.beginnings[key])
        self._health.set_lag(max(ages.values(), default=0.0))

    def _show_connection(self, *, is_connected: bool) -> None:
        self._store.set(catalogue.BROKER_CONNECTED, float(is_connected))
        self._health.set_broker(is_connected=is_connected)

    def _commit(self) -> None:
        with self._lock:
            positions = dict(self._progress)
        is_known = positions == self._committed and time.monotonic() < self._recommit_at
        if not (self._commits and positions) or is_known:
            return
        try:
            self._offsets.commit(positions)
            self._committed = positions
            self._recommit_at = time.monotonic() + RECOMMIT_SECONDS
        except KafkaException as error:
            self._store.add(catalogue.COMMIT_ERRORS, 1)
            if self._news.is_news("commit"):
                log.warning(
                    "progress cannot be committed to the group, which takes the right to Read it, "
                    "so lag by the group is wrong: %s",
                    error.args[0].str(),
                )


def lag_of(
    stream: Stream, store: MetricStore, health: Health, on_poll: Callable[[], None]
) -> LagThread:
    """The thread for a stream; see `LagThread`."""
    client = stream.client
    if "bootstrap.servers" not in client:
        client = {**client, "bootstrap.servers": stream.broker}
    offsets = BrokerOffsets(stream.topic, stream.consumer_group, client, stream.beside)
    return LagThread(
        offsets,
        store,
        health,
        on_poll=on_poll,
        resume=resume_positions(stream.checkpoint, stream.starting_offsets, offsets.committed),
        commits=stream.commits,
    )
