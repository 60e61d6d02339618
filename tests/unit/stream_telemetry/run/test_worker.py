from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from stream_telemetry import loop
from stream_telemetry.health import Health, Limits
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.run import worker
from stream_telemetry.run.worker import Worker, close_each

LONG_SECONDS = 20.0
"""More than any of these tests takes."""


class Bench:
    """A worker, and what is known of it."""

    def __init__(self) -> None:
        self.store = MetricStore()
        self.health = Health(Limits(60), has_model=False)
        self.steps = 0
        self.closed = 0
        self.do: Callable[[], float] = lambda: math.inf
        self.worker = Worker("lag", self._step, self.store, self.health, close=self._close)

    @property
    def errors(self) -> float:
        return self.store.value(catalogue.WORKER_ERRORS, "lag")

    @property
    def up(self) -> float:
        for _ in self.store.collect():
            pass
        return self.store.value(catalogue.WORKER_UP, "lag")

    @property
    def check(self) -> str:
        return self.health.checks.get("telemetry", "none")

    def _step(self) -> float:
        self.steps += 1
        return self.do()

    def _close(self) -> None:
        self.closed += 1


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(loop, "RETRY_SECONDS", 0.01)
    bench = Bench()
    yield bench
    bench.worker.end(LONG_SECONDS)


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def fail() -> float:
    raise ValueError("unthought of")


def test_steps_follow_each_other_as_each_one_says(bench: Bench) -> None:
    waits = iter([0.0, 0.0, 0.3])
    bench.do = lambda: next(waits, math.inf)
    start = time.monotonic()
    bench.worker.start()
    eventually(lambda: bench.steps == 4)
    assert time.monotonic() - start >= 0.3
    time.sleep(0.05)
    assert bench.steps == 4


def test_waking_it_makes_the_next_step_due(bench: Bench) -> None:
    bench.worker.start()
    eventually(lambda: bench.steps == 1)
    bench.worker.wake()
    eventually(lambda: bench.steps == 2)


def test_errors_are_counted_and_the_first_of_a_kind_is_logged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.do = fail
    bench.worker.start()
    eventually(lambda: bench.errors >= 5)
    bench.do = lambda: 1 / 0
    eventually(lambda: "ZeroDivisionError" in caplog.text)
    bench.do = lambda: math.inf
    bench.worker.wake()
    bench.worker.end(LONG_SECONDS)
    lines = [line for line in caplog.records if line.levelno == logging.ERROR]
    assert [line.exc_info is not None for line in lines] == [True, True]
    assert bench.closed == 1


def test_health_fails_when_it_gets_nothing_done_and_passes_when_it_does(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PATIENCE_SECONDS", 0.2)
    assert bench.check == "none"
    bench.worker.start()
    assert (bench.check, bench.up) == ("pass", 1)
    bench.do = fail
    bench.worker.wake()
    eventually(lambda: bench.check == "fail")
    assert bench.up == 0
    bench.do = lambda: 0.01
    eventually(lambda: bench.check == "pass")
    assert bench.up == 1


def test_health_fails_when_a_step_hangs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PATIENCE_SECONDS", 0.1)
    release = threading.Event()
    bench.do = lambda: math.inf if release.wait(LONG_SECONDS) else 0
    bench.worker.start()
    eventually(lambda: bench.check == "fail")
    release.set()
    eventually(lambda: bench.check == "pass")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_health_fails_when_the_thread_is_dead(bench: Bench) -> None:
    class Fatal(BaseException):
        pass

    def die() -> float:
        raise Fatal

    bench.do = die
    bench.worker.start()
    eventually(lambda: bench.check == "fail")
    assert bench.up == 0


def test_the_end_does_what_there_is_to_do_though_some_of_it_fails(bench: Bench) -> None:
    left = ["a", "bad", "b", "c"]
    done: list[str] = []

    def work() -> float:
        if not left:
            return math.inf
        piece = left.pop(0)
        if piece == "bad":
            raise ValueError(piece)
        done.append(piece)
        return 0.0

    bench.do = work
    bench.worker.start()
    bench.worker.end(LONG_SECONDS)
    assert (done, bench.closed) == (["a", "b", "c"], 1)
    assert bench.check == "pass", "a thread that has ended as asked is no illness"


def test_the_end_comes_in_time_though_there_is_ever_more_to_do(bench: Bench) -> None:
    bench.do = lambda: 0.0
    bench.worker.start()
    start = time.monotonic()
    bench.worker.end(0.2)
    assert time.monotonic() - start < 1


def test_a_thread_that_hangs_is_left_behind(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()
    bench.do = lambda: math.inf if release.wait(LONG_SECONDS) else 0
    bench.worker.start()
    start = time.monotonic()
    bench.worker.end(0.1)
    assert time.monotonic() - start < 1
    assert "thread telemetry-lag has not ended in time" in caplog.text
    release.set()


def test_a_worker_that_was_never_started_ends_at_once() -> None:
    bench = Bench()
    bench.worker.end(LONG_SECONDS)
    assert bench.closed == 0


def test_a_part_that_cannot_be_closed_keeps_no_other_from_closing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    closed: list[int] = []
    close_each([lambda: closed.append(1), fail, lambda: closed.append(2)])
    assert closed == [1, 2]
    assert "could not be closed" in caplog.text
