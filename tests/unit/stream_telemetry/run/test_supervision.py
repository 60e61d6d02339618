from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.process.stop_signals import StopSignals
from stream_telemetry.run.supervision import Restart, Restarts, supervise

PROMPT = 0.001
FAILED = "[STREAM_FAILED] Query [id = 1, runId = 2] terminated with exception: disk full\n at x"


class FakeQuery:
    """A run of a query that has ended: well, or not; after some batches, or none."""

    isActive = False

    def __init__(self, failure: str | None = FAILED, *, batches: int = 0) -> None:
        self._failure = failure
        self.lastProgress = {"batchId": batches} if batches else None

    def awaitTermination(self) -> None:
        if self._failure is not None:
            raise StreamingQueryException(self._failure)


def end_of(query: StreamingQuery) -> bool:
    query.awaitTermination()
    return False


def run_all(
    runs: Iterator[FakeQuery],
    restarts: Restarts,
    on_failure: Callable[[Restart], None],
    signals: StopSignals,
) -> None:
    supervise(
        lambda: cast(StreamingQuery, next(runs)),
        end_of,
        signals,
        restarts,
        on_failure,
    )


def run(runs: Iterator[FakeQuery], limit: int, signals: StopSignals | None = None) -> list[Restart]:
    told: list[Restart] = []
    try:
        run_all(runs, Restarts(limit, first=PROMPT), told.append, signals or StopSignals())
    except StreamingQueryException:
        told.append(Restart(-1, 0, 0, StreamingQueryException("gave up"), ""))
    return told


def numbers(runs: list[FakeQuery], limit: int) -> list[int]:
    left = iter(runs)
    found = [restart.number for restart in run(left, limit)]
    assert list(left) == [], "all runs must have been used"
    return found


def test_a_query_that_ends_well_is_not_started_again() -> None:
    assert numbers([FakeQuery(None)], 5) == []


def test_a_failure_starts_the_query_again_until_it_ends_well() -> None:
    assert numbers([FakeQuery(), FakeQuery(), FakeQuery(None)], 5) == [1, 2]


def test_supervision_gives_up_after_so_many_restarts_without_progress() -> None:
    assert numbers([FakeQuery() for _ in range(4)], 3) == [1, 2, 3, -1]


def test_without_restarts_the_first_failure_is_final() -> None:
    assert numbers([FakeQuery()], 0) == [-1]


def test_progress_between_failures_starts_the_count_again() -> None:
    runs = [FakeQuery(), FakeQuery(), FakeQuery(batches=3), FakeQuery(), FakeQuery()]
    assert numbers([*runs, FakeQuery(None)], 3) == [1, 2, 1, 2, 3]


def test_each_wait_is_twice_the_last_one_up_to_the_longest() -> None:
    waits = [Restarts(9, first=1.0, longest=20.0).wait(number) for number in (1, 2, 3, 5, 6, 5000)]
    assert waits == [1, 2, 4, 16, 20, 20]


def test_a_request_to_stop_ends_the_wait() -> None:
    signals = StopSignals()
    with_long_wait = Restarts(5, first=600.0)
    run_all(iter([FakeQuery()]), with_long_wait, lambda restart: signals.ask(), signals)


def test_a_query_that_fails_while_it_is_stopped_has_been_stopped() -> None:
    signals = StopSignals()
    signals.ask()
    assert run(iter([FakeQuery()]), 5, signals) == []


def test_a_failure_that_cannot_pass_ends_the_supervision_at_once() -> None:
    def refuse(restart: Restart) -> None:
        raise ValueError(restart.reason)

    with pytest.raises(ValueError, match="disk full"):
        run_all(iter([FakeQuery()]), Restarts(5), refuse, StopSignals())


def test_a_query_that_was_misled_is_started_again_at_once_and_has_not_failed() -> None:
    starts: list[StreamingQuery] = []

    def start() -> StreamingQuery:
        starts.append(cast(StreamingQuery, FakeQuery(None)))
        return starts[-1]

    supervise(
        start,
        lambda query: len(starts) < 4,
        StopSignals(),
        Restarts(0),
        lambda restart: pytest.fail("nothing has failed"),
    )
    assert len(starts) == 4
