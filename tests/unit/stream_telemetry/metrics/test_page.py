"""docs/metrics.md, as it is made from the catalogue."""

from __future__ import annotations

import re

from stream_telemetry.metrics.catalogue import CATALOGUE
from stream_telemetry.metrics.page import catalogue_page

TEXT = catalogue_page()
ROWS = {
    cells[0].strip("`"): cells[1:]
    for line in TEXT.splitlines()
    if line.startswith("| `") and len(cells := [c.strip() for c in line.strip("|").split("|")]) == 6
}


def test_each_metric_has_one_row() -> None:
    assert set(ROWS) == {metric.name for metric in CATALOGUE}
    assert TEXT.count("| `stream_state` |") == 1


def test_a_row_says_type_labels_unit_meaning_and_where_it_is_shown() -> None:
    for metric in CATALOGUE:
        kind, labels, unit, meaning, shown = ROWS[metric.name]
        assert kind == metric.kind
        assert re.findall(r"`(\w+)`", labels) == list(metric.labels)
        assert (unit, meaning, shown) == (metric.unit, metric.help, metric.shown)


def test_what_is_scraped_and_what_is_pushed_stand_apart() -> None:
    scraped, pushed = TEXT.split("\n## Pushed\n")
    for metric in CATALOGUE:
        part = scraped if metric.source == "scrape" else pushed
        assert f"| `{metric.name}` |" in part


def test_every_label_is_explained() -> None:
    explained = TEXT.split("\n## Labels\n")[1].split("\n## ")[0]
    own = {"version", "mode", "broker", "consumer_group", "model_backend"}  # of the info metrics
    used = {label for metric in CATALOGUE for label in metric.labels} - own
    assert used <= set(re.findall(r"^\| `(\w+)` \|", explained, re.MULTILINE))


def test_every_histogram_has_its_bounds() -> None:
    buckets = TEXT.split("\n## Buckets\n")[1].split("\n## ")[0]
    for metric in CATALOGUE:
        assert (f"- `{metric.name}`: " in buckets) == bool(metric.buckets)
