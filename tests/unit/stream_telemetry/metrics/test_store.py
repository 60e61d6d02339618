"""The values of metrics: written by many, read as one snapshot."""

from __future__ import annotations

import threading

import pytest
from prometheus_client import CollectorRegistry

from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.store import MetricStore

COUNTER = Metric("a_total", "counter", "A.", ("kind",))
GAUGE = Metric("b_seconds", "gauge", "B.")
HISTOGRAM = Metric("c_seconds", "histogram", "C.", ("step",), (1.0, 2.5))
INFO = Metric("d_info", "info", "D.", ("version", "mode"))


@pytest.fixture
def store() -> MetricStore:
    return MetricStore()


def sample(store: MetricStore, name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(store)
    return registry.get_sample_value(name, labels)


def test_a_series_exists_at_zero_once_it_is_declared(store: MetricStore) -> None:
    assert sample(store, "a_total", kind="x") is None
    store.declare(COUNTER, [("x",), ("y",)])
    assert sample(store, "a_total", kind="x") == 0
    assert sample(store, "a_total", kind="y") == 0


def test_declaring_again_changes_no_value(store: MetricStore) -> None:
    store.add(COUNTER, 2, "x")
    store.declare(COUNTER, [("x",), ("y",)])
    assert (store.value(COUNTER, "x"), store.value(COUNTER, "y")) == (2, 0)


def test_a_counter_adds_up_and_a_gauge_is_what_was_said_last(store: MetricStore) -> None:
    for value in (3.0, 1.5):
        store.add(COUNTER, value, "x")
        store.set(GAUGE, value)
    assert sample(store, "a_total", kind="x") == 4.5
    assert sample(store, "b_seconds") == 1.5


def test_a_value_that_nobody_has_written_is_zero(store: MetricStore) -> None:
    assert store.value(GAUGE) == 0
    assert store.value(COUNTER, "x") == 0


@pytest.mark.parametrize(
    ("value", "counts"),
    [(0.0, (1, 1, 1)), (1.0, (1, 1, 1)), (1.1, (0, 1, 1)), (2.5, (0, 1, 1)), (9.0, (0, 0, 1))],
)
def test_a_measurement_counts_in_each_bucket_whose_bound_it_does_not_exceed(
    store: MetricStore, value: float, counts: tuple[int, int, int]
) -> None:
    store.observe(HISTOGRAM, value, "parse")
    found = [
        sample(store, "c_seconds_bucket", step="parse", le=le) for le in ("1.0", "2.5", "+Inf")
    ]
    assert tuple(found) == counts
    assert sample(store, "c_seconds_sum", step="parse") == value


def test_merged_records_are_counted_by_bucket_and_not_cumulated_before(store: MetricStore) -> None:
    store.merge(HISTOGRAM, [5, 2, 1], 12.0, "parse")
    store.merge(HISTOGRAM, [1, 0, 0], 0.5, "parse")
    found = [
        sample(store, "c_seconds_bucket", step="parse", le=le) for le in ("1.0", "2.5", "+Inf")
    ]
    assert found == [6, 8, 9]
    assert sample(store, "c_seconds_sum", step="parse") == 12.5


def test_records_of_another_number_of_buckets_are_refused(store: MetricStore) -> None:
    with pytest.raises(ValueError, match="zip"):
        store.merge(HISTOGRAM, [1, 2], 1.0, "parse")


def test_an_info_is_one_with_its_facts_as_labels(store: MetricStore) -> None:
    store.declare(INFO, [("0.2.0", "batch")])
    assert sample(store, "d_info", version="0.2.0", mode="batch") == 1


def test_a_computed_gauge_is_asked_for_by_each_scrape_and_kept(store: MetricStore) -> None:
    answers = iter((1.0, 2.0))
    store.compute(GAUGE, lambda: next(answers))
    assert [sample(store, "b_seconds"), store.value(GAUGE)] == [1.0, 1.0]
    assert sample(store, "b_seconds") == 2.0


def test_a_function_may_take_a_lock_whose_holder_writes(store: MetricStore) -> None:
    lock = threading.Lock()
    wants, has = threading.Event(), threading.Event()

    def writer() -> None:
        with lock:
            has.set()
            assert wants.wait(10)
            store.set(GAUGE, 1.0)

    def ask() -> float:
        wants.set()
        with lock:
            return 2.0

    store.compute(COUNTER, ask, "x")
    thread = threading.Thread(target=writer)
    thread.start()
    assert has.wait(10)
    assert sample(store, "a_total", kind="x") == 2.0
    thread.join(10)
    assert not thread.is_alive()


def test_no_scrape_sees_one_of_two_writes_that_belong_together(store: MetricStore) -> None:
    store.declare(COUNTER, [("x",), ("y",)])
    inside, seen = threading.Event(), threading.Event()
    found: list[tuple[float | None, float | None]] = []

    def scrape() -> None:
        inside.wait(10)
        seen.set()
        families = {f.name: f for f in store.collect()}
        values = {s.labels["kind"]: s.value for s in families["a"].samples}
        found.append((values["x"], values["y"]))

    thread = threading.Thread(target=scrape)
    thread.start()
    with store.together():
        store.add(COUNTER, 1, "x")
        inside.set()
        assert seen.wait(10)
        store.add(COUNTER, 1, "y")
    thread.join(10)
    assert found == [(1, 1)]


def test_what_is_forgotten_has_no_series(store: MetricStore) -> None:
    store.declare(INFO, [("1", "batch")])
    store.forget(INFO)
    store.declare(INFO, [("2", "batch")])
    assert sample(store, "d_info", version="1", mode="batch") is None
    assert sample(store, "d_info", version="2", mode="batch") == 1
