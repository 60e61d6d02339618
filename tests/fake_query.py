"""A streaming query that only looks like one, and a run of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import cast
from unittest.mock import patch

from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.process.stop_signals import StopSignals
from stream_telemetry.run import lifecycle
from stream_telemetry.run.lifecycle import NewStart, run_until_stopped


class FakeQuery:
    """A query that runs micro-batches; each look at it may be the last of a batch."""

    def __init__(self, *, looks_a_batch: int = 10**9, is_busy: bool = True) -> None:
        self.isActive = True
        self.looks = 0
        self.stopped_at_look: int | None = None
        self.is_awaited = False
        self.failure: Exception | None = None
        self.on_look: Callable[[int], None] = lambda look: None
        self._looks_a_batch = looks_a_batch
        self._is_busy = is_busy

    @property
    def _jsq(self) -> FakeQuery:
        return self

    def lastProgress(self) -> SimpleNamespace | None:
        ended = self.look()
        return SimpleNamespace(batchId=lambda: ended - 1) if ended else None

    def look(self) -> int:
        """Looks; gives how many batches have ended by now."""
        self.looks += 1
        self.on_look(self.looks)
        return self.looks // self._looks_a_batch

    @property
    def is_idle(self) -> bool:
        return not (self.isActive and self._is_busy)

    def stop(self) -> None:
        self.isActive = False
        self.stopped_at_look = self.looks

    def awaitTermination(self) -> None:
        assert not self.isActive, "it would wait for ever"
        self.is_awaited = True
        if self.failure:
            raise self.failure


class FakeLastBatch:
    """Stands for `LastBatch`, which is about what only a real query has."""

    def __init__(self, query: FakeQuery) -> None:
        self._query = query
        self._before = query.looks // query._looks_a_batch

    def has_ended(self) -> bool:
        return self._query.look() > self._before or self._query.is_idle


@contextmanager
def fake_ends() -> Iterator[None]:
    """Has `run_until_stopped` ask fake queries."""
    with (
        patch.object(lifecycle, "is_running", lambda query: query.isActive),
        patch.object(lifecycle, "LastBatch", FakeLastBatch),
    ):
        yield


def run(
    query: FakeQuery,
    signals: StopSignals,
    *,
    is_batched: bool = True,
    on_silence: Callable[[], None] = lambda: None,
    renew: Callable[[bool], bool] = lambda is_asked: False,
) -> NewStart | None:
    with fake_ends():
        return run_until_stopped(
            cast(StreamingQuery, query),
            signals,
            is_batched=is_batched,
            on_silence=on_silence,
            renew=renew,
        )
