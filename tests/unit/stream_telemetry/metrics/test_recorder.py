from __future__ import annotations

import ast
import re
import threading
from dataclasses import replace
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.samples import Exemplar
from sources import modules

from stream_telemetry.batch.buckets import MAX_NUMBERS
from stream_telemetry.batch.observation import Histogram, Observation, Observed
from stream_telemetry.batch.progress import Batch
from stream_telemetry.batch.slowest import SlowRecord
from stream_telemetry.metrics import bounds, catalogue, of_model, pushed
from stream_telemetry.metrics.catalogue import CATALOGUE
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.page import PAGE, catalogue_page
from stream_telemetry.metrics.recorder import Recorder
from stream_telemetry.metrics.store import MetricStore

OBSERVATION = Observation(
    operations={"total": ("a", "b")},
    finished="done",
    outcome="error_type",
    error_types=("validation_error",),
    violations="counts",
    fields=("tenure", "message"),
)

_OWNERS = {"catalogue": catalogue, "of_model": of_model, "pushed": pushed}


def in_registry(store: MetricStore) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(store)
    return registry


def make_batch(number: int = 0, read: int = 10, started: float = 1000.0) -> Batch:
    counts = [0] * (len(bounds.PROCESSING_BUCKETS) + 1)
    counts[bounds.PROCESSING_BUCKETS.index(1e-5)] = 10
    ages = [0] * (len(bounds.END_TO_END_BUCKETS) + 1)
    ages[-1] = 10
    return Batch(
        number=number,
        started=started,
        seconds=2.0,
        phases={"triggerExecution": 2.0, "addBatch": 1.5, "brandNew": 0.25},
        records_read=read,
        observed=Observed(
            succeeded=7,
            failed={"validation_error": 2, "unknown_error": 1},
            latencies={"total": Histogram(tuple(counts), 0.5)},
            end_to_end=Histogram(tuple(ages), 5e6),
            violations={"tenure": 3, "message": 1},
        ),
        positions={("raw", 0): 10},
    )


def test_the_page_of_all_metrics_is_up_to_date() -> None:
    committed = PAGE.read_text(encoding="utf-8")
    assert committed == catalogue_page(), "run: python -m stream_telemetry.metrics.page"


def test_every_metric_is_written_by_some_module() -> None:
    named = {
        (value.id, node.attr)
        for tree in modules("lib").values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(value := node.value, ast.Name)
    }
    unwritten = [
        metric.name
        for owner, module in _OWNERS.items()
        for constant, metric in vars(module).items()
        if isinstance(metric, Metric) and (owner, constant) not in named
    ]
    assert unwritten == [], "in the catalogue, and nobody writes it"


def test_names_follow_the_conventions_of_prometheus() -> None:
    assert len({metric.name for metric in CATALOGUE}) == len(CATALOGUE)
    for metric in CATALOGUE:
        assert re.fullmatch(r"(kafka|stream|model|process)_[a-z_]+", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert metric.name.endswith("_info") == (metric.kind == "info")
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert metric.help.endswith(".")


def test_what_is_pushed_and_what_is_scraped_never_share_a_prefix() -> None:
    for metric in CATALOGUE:
        is_pushed = metric.name.startswith(("stream_batch_", "stream_run_"))
        assert is_pushed == (metric.source == "push")


def test_the_buckets_of_the_guide_are_all_there() -> None:
    guide = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
    assert guide <= set(bounds.PROCESSING_BUCKETS)
    assert guide <= set(bounds.END_TO_END_BUCKETS)


@pytest.mark.parametrize("metric", [m for m in CATALOGUE if m.buckets], ids=lambda m: m.name)
def test_a_bound_is_at_most_twice_the_one_before_and_one_is_at_each_limit(metric: Metric) -> None:
    bounds = [bound for bound in metric.buckets if bound]
    assert max(after / before for before, after in pairwise(bounds)) <= 2
    limits = {
        **{"kafka_processing_latency_seconds": 1, "stream_records_per_batch": 50_000},
        "model_score": 0.5,
    }
    assert limits.get(metric.name, 60) in bounds


def test_the_plan_s_bounds_are_whole_units_of_its_clocks_and_not_too_many() -> None:
    for buckets, units in ((bounds.PROCESSING_BUCKETS, 1e9), (bounds.END_TO_END_BUCKETS, 1e3)):
        whole = [round(bound * units) for bound in buckets]
        assert whole == pytest.approx([bound * units for bound in buckets])
        assert len(set(whole)) == len(buckets) < MAX_NUMBERS


def test_every_series_of_a_closed_label_set_is_there_at_zero_from_the_start() -> None:
    store = MetricStore()
    Recorder(store, OBSERVATION, "raw")
    registry = in_registry(store)
    for name, labels in (
        ("kafka_messages_processed_total", {"status": "failed", "topic": "raw"}),
        ("kafka_messages_failed_total", {"error_type": "unknown_error", "topic": "raw"}),
        ("kafka_processing_latency_seconds_count", {"operation": "total"}),
        ("stream_rule_violations_total", {"field": "message"}),
        ("stream_phase_duration_seconds_total", {"phase": "addBatch"}),
        ("stream_records_unaccounted", {}),
        ("stream_end_to_end_latency_seconds_bucket", {"le": "+Inf"}),
    ):
        assert registry.get_sample_value(name, labels) == 0, name


CLOSED = {
    *("status", "error_type", "operation", "field", "phase", "state", "worker", "signal"),
    # As the settings have them, and as many partitions as there are.
    *("topic", "partition", "right", "resource", "broker", "consumer_group"),
    *("version", "mode", "model_backend"),
    # Of the model and its manifest.
    *("feature", "window", "score", "label", "decided", "shadow", "outcome", "fate"),
}
"""Labels whose values no message and no error can bring."""


def test_labels_have_values_from_closed_sets() -> None:
    scraped = {
        label for metric in CATALOGUE if metric.source == "scrape" for label in metric.labels
    }
    assert scraped <= CLOSED


def test_a_batch_moves_the_counters_and_a_second_one_adds_to_them() -> None:
    store = MetricStore()
    moments = iter([50.0, 54.0])
    recorder = Recorder(store, OBSERVATION, "raw", lambda: next(moments))
    recorder.record(make_batch(0))
    # The wall clock was set back meanwhile.
    recorder.record(make_batch(1, started=404.0))
    value = in_registry(store).get_sample_value
    topic = {"topic": "raw"}
    assert value("kafka_messages_processed_total", {"status": "success", **topic}) == 14
    assert value("kafka_messages_processed_total", {"status": "failed", **topic}) == 6
    assert value("kafka_messages_failed_total", {"error_type": "unknown_error", **topic}) == 2
    assert value("stream_rule_violations_total", {"field": "tenure"}) == 6
    total = {"operation": "total"}
    assert value("kafka_processing_latency_seconds_sum", total) == 1.0
    assert value("kafka_processing_latency_seconds_bucket", {"le": "5e-06", **total}) == 0
    assert value("kafka_processing_latency_seconds_bucket", {"le": "1e-05", **total}) == 20
    assert value("kafka_processing_latency_seconds_bucket", {"le": "+Inf", **total}) == 20
    assert value("stream_end_to_end_latency_seconds_bucket", {"le": "604800.0"}) == 0
    assert value("stream_end_to_end_latency_seconds_count") == 20
    assert value("stream_records_per_batch_bucket", {"le": "1.0"}) == 0
    assert value("stream_records_per_batch_bucket", {"le": "10.0"}) == 2
    assert value("stream_phase_duration_seconds_total", {"phase": "other"}) == 0.5
    assert value("stream_busy_ratio") == 0.5
    recorder.idle()
    assert value("stream_busy_ratio") == 0


def exemplars(store: MetricStore) -> dict[str, Exemplar]:
    """By the bound of their bucket."""
    (family,) = (f for f in store.collect() if f.name == catalogue.END_TO_END.name)
    return {sample.labels["le"]: sample.exemplar for sample in family.samples if sample.exemplar}


def test_the_slowest_record_is_named_in_its_bucket_until_the_next_one_there() -> None:
    store = MetricStore()
    recorder = Recorder(store, OBSERVATION, "raw")
    recorder.record(make_batch())
    assert exemplars(store) == {}
    place = {"topic": "raw", "partition": "2"}
    for number, seconds in ((1, 0.25), (2, 0.2), (3, 1e6)):
        batch = make_batch(number, started=1000.0 * number)
        slowest = SlowRecord(seconds, 2, number)
        recorder.record(replace(batch, observed=replace(batch.observed, slowest=slowest)))
    assert exemplars(store) == {
        "0.25": Exemplar({**place, "offset": "2"}, 0.2, 2002.0),
        "+Inf": Exemplar({**place, "offset": "3"}, 1e6, 3002.0),
    }


@pytest.mark.parametrize("read", [7, 13])
def test_a_batch_whose_books_do_not_balance_shows(read: int) -> None:
    store = MetricStore()
    recorder = Recorder(store, OBSERVATION, "raw")
    recorder.record(make_batch(read=10))
    assert in_registry(store).get_sample_value("stream_records_unaccounted") == 0
    recorder.record(make_batch(read=read))
    recorder.record(make_batch(read=10))
    assert in_registry(store).get_sample_value("stream_records_unaccounted") == 3


def test_a_scrape_never_sees_half_a_batch() -> None:
    store = MetricStore()
    recorder = Recorder(store, OBSERVATION, "raw")
    done = threading.Event()

    def work() -> None:
        for number in range(300):
            recorder.record(make_batch(number))
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not done.is_set():
        families = {family.name: family for family in store.collect()}
        processed = sum(s.value for s in families["kafka_messages_processed"].samples)
        assert processed == families["stream_records_read"].samples[0].value
    thread.join()


def test_a_gauge_can_be_computed_at_each_scrape() -> None:
    store = MetricStore()
    answers = iter((1.0, 2.0))
    store.compute(catalogue.PROGRESS_AGE, lambda: next(answers))
    registry = in_registry(store)
    assert "stream_progress_age_seconds 1.0" in generate_latest(registry).decode()
    assert "stream_progress_age_seconds 2.0" in generate_latest(registry).decode()


def test_every_metric_that_is_scraped_carries_its_labels_in_both_formats() -> None:
    store = MetricStore()
    for metric in CATALOGUE:
        store.declare(metric, [tuple("x" for _ in metric.labels)])
    text = generate_latest(in_registry(store)).decode()
    for metric in CATALOGUE:
        assert f"# TYPE {metric.name} " in text
        for label in metric.labels:
            assert re.search(rf'^{metric.name}\S*{label}="x"', text, re.MULTILINE), metric.name
