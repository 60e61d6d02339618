"""All that is shown of the query, as one document: what `/api/summary` answers.

Its fields are a contract, told in docs/monitoring.md: some may be added, none changes its meaning.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass

from stream_telemetry.health import Health
from stream_telemetry.live import figures
from stream_telemetry.live.condition import Condition, Facts, condition, late_after
from stream_telemetry.live.notices import notices
from stream_telemetry.live.recent import Recent
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.stream import Stream

VERSION = 1
RATE_SECONDS, RECENT_SECONDS, LAG_SECONDS = 60.0, 300.0, 600.0
"""How far the figures look back, at least."""
SHOWN_BATCHES, SHOWN_LAGS, KEPT_CHANGES = 60, 120, 20
_STRETCH_SECONDS, _STRETCH_BATCHES = 30.0, 2.5
"""The lag is judged by stretches of time in which a batch has begun and ended."""


@dataclass(frozen=True)
class _Change:
    at: float  # seconds since 1970
    begun: float  # by the monotonic clock
    condition: Condition


class Overview:
    """Knows how the query is, and since when; called by many threads, waits for nothing."""

    def __init__(
        self,
        stream: Stream,
        store: MetricStore,
        health: Health,
        reads_refused: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Knows nothing yet.

        Args:
            stream: the query.
            store: of its metrics.
            health: of the query.
            reads_refused: whether records that were refused are read back.
            clock: monotonic, in seconds.
        """
        self.recent = Recent(clock)
        self.spark_page: str | None = None
        self._stream = stream
        self._store = store
        self._health = health
        self._reads_refused = reads_refused
        self._clock = clock
        self._late = late_after(stream.batch_seconds, is_realtime=stream.is_realtime)
        self._lock = threading.Lock()
        self._changes: deque[_Change] = deque(maxlen=KEPT_CHANGES)

    def look(self) -> None:
        """Notes how the query is; to be called every few seconds, whether anybody asks or not."""
        if self._health.checks["broker_connection"] == "pass":
            self.recent.add_lag(self._store.total(catalogue.LAG), self._health.lag_seconds)
        self._note(condition(self._facts()))

    def summary(self) -> dict[str, object]:
        """The document, made of what is known already: no one is asked for it."""
        store, facts = self._store, self._facts()
        seconds = self._back(RECENT_SECONDS)
        batches = self.recent.batches(seconds)
        store.refresh()
        # One moment for all figures.
        with store.together():
            document: dict[str, object] = {
                "version": VERSION,
                "timestamp": figures.iso(time.time()),
                "job": self._job(),
                **self._condition(facts),
                "notices": [notice._asdict() for notice in notices(facts, store)],
                "checks": dict(facts.checks),
                "rate": self._rate(),
                "lag": self._lag(facts),
                "latency": figures.latencies(batches, seconds),
                "outcomes": figures.outcomes(store, self._stream.topic, batches, seconds),
                "reasons": figures.reasons(store, batches),
                "batches": [
                    figures.batch_figures(batch)
                    for _, batch in self.recent.batches()[-SHOWN_BATCHES:]
                ],
                "refused": self._refused(),
                "model": figures.model(store) if self._stream.model_backend else None,
                "links": {"spark": self.spark_page},
            }
        return {name: figures.plain(value) for name, value in document.items()}

    def _facts(self) -> Facts:
        health, batches = self._health, self.recent.batches(self._back(RECENT_SECONDS))
        longest = max((batch.seconds for _, batch in batches), default=0.0)
        usual = max(longest, self._stream.batch_seconds)
        lag = self.recent.latest_lag()
        return Facts(
            state=health.state,
            checks=health.checks,
            silence=health.silence,
            asked=None if lag is None else self._clock() - lag.at,
            oldest=lag.oldest if lag else 0.0,
            late=self._late,
            waiting=lag.records if lag else 0.0,
            trend=self.recent.trend(max(_STRETCH_SECONDS, _STRETCH_BATCHES * usual)),
            batch_seconds=longest,
            read=sum(batch.records_read for _, batch in batches),
            refused=sum(batch.records_failed for _, batch in batches),
            restarts=int(self._store.total(catalogue.RESTARTS)),
            is_batch=self._stream.mode == "batch",
        )

    def _condition(self, facts: Facts) -> dict[str, object]:
        now = condition(facts)
        changes = self._note(now)
        return {
            "state": {
                **asdict(now),
                "seconds": self._clock() - changes[-1].begun,
                "late_after_seconds": self._late,
            },
            "changes": [
                {"at": figures.iso(change.at), **asdict(change.condition)}
                for change in reversed(changes)
            ],
        }

    def _note(self, now: Condition) -> list[_Change]:
        """The changes up to this one; a condition that goes on is none."""
        with self._lock:
            if not self._changes or self._changes[-1].condition.name != now.name:
                self._changes.append(_Change(time.time(), self._clock(), now))
            return [*self._changes]

    def _job(self) -> dict[str, object]:
        stream = self._stream
        return {
            "query": stream.query,
            "topic": stream.topic,
            "broker": stream.broker,
            "consumer_group": stream.consumer_group,
            "mode": stream.mode,
            "is_realtime": stream.is_realtime,
            "trigger_seconds": stream.batch_seconds,
            "version": stream.version,
            "started": figures.iso(self._store.total(catalogue.PROCESS_START)),
            "restarts": int(self._store.total(catalogue.RESTARTS)),
        }

    def _rate(self) -> dict[str, object]:
        seconds = self._back(RATE_SECONDS)
        return figures.rate(self.recent.batches(seconds), self._clock(), seconds)

    def _lag(self, facts: Facts) -> dict[str, object]:
        now, is_known = self._clock(), facts.asked is not None
        return {
            "records": facts.waiting if is_known else None,
            "oldest_seconds": facts.oldest if is_known else None,
            "asked_seconds_ago": facts.asked,
            "partitions": figures.partitions(self._store),
            "history": [
                [now - lag.at, lag.records, lag.oldest]
                for lag in self.recent.lags(LAG_SECONDS)[-SHOWN_LAGS:]
            ],
        }

    def _refused(self) -> list[dict[str, object]] | None:
        if not self._reads_refused:
            return None
        return [figures.refused_figures(*one) for one in self.recent.refused()]

    def _back(self, seconds: float) -> float:
        """How far to look back: over three batches at least."""
        return max(seconds, 3 * self._stream.batch_seconds)
