"""Metrics, panels, rules and pages know each other, in both directions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache

import pytest
from dashboards.written import BOARDS, as_json
from monitoring import promql
from monitoring.rule_files import HOME, rules

from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.catalogue import CATALOGUE

DRIVER = "metrics_churn_stream_driver_"
FOREIGN: dict[str, set[str]] = {
    # Prometheus' and the Pushgateway's own.
    "up": set(),
    "ALERTS": {"alertname", "alertstate", "severity"},
    "push_time_seconds": set(),
    # Spark's, as its page shows them; test_monitoring.py asks a real run for each.
    "metrics_executor_maxTasks": {"executor_id"},
    "metrics_executor_activeTasks": {"executor_id"},
    "metrics_executor_failedTasks_total": {"executor_id"},
    "metrics_executor_completedTasks_total": {"executor_id"},
    "metrics_executor_totalDuration_seconds_total": {"executor_id"},
    "metrics_executor_JVMHeapMemory_bytes": {"executor_id"},
    "metrics_executor_MinorGCTime_seconds_total": {"executor_id"},
    "metrics_executor_MajorGCTime_seconds_total": {"executor_id"},
    f"{DRIVER}LiveListenerBus_queue_streams_numDroppedEvents_Count": set(),
    f"{DRIVER}jvm_heap_used_Value": set(),
    f"{DRIVER}jvm_heap_max_Value": set(),
    f"{DRIVER}spark_streaming_churn_inputRate_total_Value": set(),
    f"{DRIVER}spark_streaming_churn_processingRate_total_Value": set(),
}
OF_EVERY_SERIES = {"job", "instance", "pod", "service", "environment"}
PARTS = ("", "_bucket", "_sum", "_count")
# The package, loggers, fields of messages and of the log, labels, checks.
NO_METRICS = {
    *("stream_telemetry", "kafka_consumer", "kafka_producer", "kafka_error", "kafka_exporter"),
    "kafka_config",
    *("model_version", "model_loaded", "model_backend", "model_inference", "model_path"),
}


@cache
def known() -> dict[str, set[str]]:
    """Names of all series that there are, with their labels."""
    names: dict[str, set[str]] = dict(FOREIGN)
    for metric in CATALOGUE:
        for part in PARTS if metric.kind == "histogram" else ("",):
            labels = {
                *metric.labels,
                *(catalogue.GUIDES_LABEL if metric in catalogue.GUIDES else ()),
            }
            names[metric.name + part] = labels | ({"le"} if part == "_bucket" else set())
    for rule in rules():
        if "record" in rule:
            behind = [names[name] for name in promql.metrics(rule["expr"])]
            names[rule["record"]] = set[str]().union(*behind)
    return {name: labels | OF_EVERY_SERIES for name, labels in names.items()}


def panels() -> Iterator[tuple[str, dict[str, object]]]:
    for name in BOARDS:
        for panel in json.loads(as_json(name))["panels"]:
            if panel.get("targets"):
                yield f"{name}: {panel['title']}", panel


@cache
def expressions() -> dict[str, str]:
    """Each query of each panel, and each rule, by where it is."""
    found = {rule.get("alert") or rule["record"]: rule["expr"] for rule in rules()}
    for place, panel in panels():
        targets = panel["targets"]
        assert isinstance(targets, list)
        found |= {f"{place} {target['refId']}": target["expr"] for target in targets}
    return found


def documented() -> set[str]:
    """What pages name in code style and what looks like one of our metrics."""
    pages = [*(HOME / "docs").glob("*.md"), HOME / "README.md", HOME / "CONTRIBUTING.md"]
    quoted = [word for page in pages for word in re.findall(r"`([^`]+)`", page.read_text("utf-8"))]
    pattern = re.compile(r"(?<![\w./-])((?:kafka|stream|model|process)_[a-z_]+[a-z])(?![\w./(=-])")
    return {name for word in quoted for name in pattern.findall(word)} - NO_METRICS


@pytest.mark.parametrize("place", expressions())
def test_an_expression_names_only_what_is_exported(place: str) -> None:
    expression, names = expressions()[place], known()
    used = promql.metrics(expression)
    assert used <= names.keys()
    for name, label in promql.matchers(expression):
        assert label in names[name], name
    made = set(re.findall(r'label_replace\(.*?, "(\w+)", ', expression))
    assert promql.grouping(expression) - made <= set[str]().union(*(names[name] for name in used))


def test_every_metric_is_on_a_panel() -> None:
    used = {
        name
        for place, expression in expressions().items()
        if ": " in place
        for name in promql.metrics(expression)
    }
    shown = {
        metric.name for metric in CATALOGUE if any(metric.name + part in used for part in PARTS)
    }
    assert shown == {metric.name for metric in CATALOGUE}


def test_pages_name_only_metrics_that_there_are() -> None:
    assert documented() <= known().keys()
    assert documented() >= {metric.name for metric in CATALOGUE}


def test_every_recorded_series_is_used() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    used = {name for text in expressions().values() for name in promql.metrics(text)}
    assert recorded <= used


def test_the_catalogue_says_where_each_metric_is_shown() -> None:
    titles = {name: json.loads(as_json(name))["title"].split(" / ")[1].lower() for name in BOARDS}
    found: dict[str, set[str]] = {}
    for place, expression in expressions().items():
        board = place.partition(": ")[0]
        for name in promql.metrics(expression) if board in titles else ():
            found.setdefault(re.sub("_(bucket|sum|count)$", "", name), set()).add(titles[board])
    wrong = {m.name: m.shown for m in CATALOGUE if m.shown not in found.get(m.name, set())}
    assert wrong == {}


def test_names_are_found_in_an_expression() -> None:
    text = (
        'sum by (a) (rate(m_total{b="x{y}",c=~"d"}[5m] offset 1h)) / on (e) up > bool 0 and r:s:t'
    )
    assert promql.metrics(text) == {"m_total", "up", "r:s:t"}
    assert list(promql.matchers(text)) == [("m_total", "b"), ("m_total", "c")]
    assert promql.grouping(text) == {"a", "e"}
