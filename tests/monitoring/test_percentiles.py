"""Percentiles that a panel shows, beside the true ones of made-up distributions."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import quantiles

import pytest
from binaries import binary, prometheus
from dashboards.boards.parts.choice import of_consumer
from dashboards.site import Site
from monitoring.test_dashboards_tell import ask
from prometheus_client import CollectorRegistry

from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.store import MetricStore

pytestmark = pytest.mark.needs("prometheus", "promtool")

Draw = Callable[[random.Random], float]
DISTRIBUTIONS: dict[str, tuple[Metric, Draw]] = {
    # As on an overloaded job: batches of at most 71 s, 16,000 records, ages of at most 115 s.
    "batches of a minute": (catalogue.BATCH_DURATION, lambda r: r.uniform(32, 71)),
    "batches of a second": (catalogue.BATCH_DURATION, lambda r: r.lognormvariate(0, 0.4)),
    "large batches": (catalogue.BATCH_RECORDS, lambda r: float(r.randint(8_000, 16_000))),
    "small batches": (catalogue.BATCH_RECORDS, lambda r: float(r.randint(150, 350))),
    "late records": (catalogue.END_TO_END, lambda r: r.uniform(40, 115)),
    "fresh records": (catalogue.END_TO_END, lambda r: r.uniform(0.2, 5.4)),
    "a day's backlog": (catalogue.END_TO_END, lambda r: r.uniform(3_600, 86_400)),
    "microseconds": (catalogue.PROCESSING_LATENCY, lambda r: r.lognormvariate(-10, 0.7)),
}
WORST = {0.5: 1.5, 0.95: 1.5, 0.99: 2.0}
"""How many times too large or too small each may be: never more than from a bound to the next."""


def drawn(name: str) -> list[float]:
    chance = random.Random(name)
    draw = DISTRIBUTIONS[name][1]
    return [draw(chance) for _ in range(5_000)]


def exposed(name: str) -> Iterator[tuple[str, float]]:
    """The series of a histogram that has counted the distribution, as the exporter has them."""
    metric, _ = DISTRIBUTIONS[name]
    store = MetricStore()
    labels = tuple("total" for _ in metric.labels)
    for value in drawn(name):
        store.observe(metric, value, *labels)
    registry = CollectorRegistry()
    registry.register(store)
    for family in registry.collect():
        for sample in family.samples:
            named = {**sample.labels, "job": name.replace("'", "")}
            inside = ",".join(f'{key}="{value}"' for key, value in named.items())
            yield f"{sample.name}{{{inside}}}", sample.value


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory: Path = tmp_path_factory.mktemp("prometheus")
    end = time.time()
    lines = [
        f"{series} {value * number:g} {end - 45 + 15 * number:.3f}"
        for name in DISTRIBUTIONS
        for series, value in exposed(name)
        for number in range(4)
    ]
    (directory / "past.txt").write_text("\n".join([*lines, "# EOF", ""]), encoding="utf-8")
    command = [binary("promtool"), "tsdb", "create-blocks-from", "openmetrics"]
    command += [str(directory / "past.txt"), str(directory / "tsdb")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with prometheus(directory) as running:
        yield running


@pytest.mark.parametrize("rank", WORST)
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_a_percentile_that_is_shown_is_near_the_true_one(url: str, name: str, rank: float) -> None:
    metric, _ = DISTRIBUTIONS[name]
    expression = of_consumer(Site()).quantile(rank, metric)
    (answer,) = ask(url, expression, name.replace("'", ""))
    shown = float(answer["value"][1])
    true = quantiles(drawn(name), n=100)[round(rank * 100) - 1]
    assert 1 / WORST[rank] < shown / true < WORST[rank], f"{shown:g} is shown, {true:g} is true"
