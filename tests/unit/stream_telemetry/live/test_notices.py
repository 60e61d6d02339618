from __future__ import annotations

from dataclasses import replace

import pytest

from stream_telemetry.live.condition import Facts
from stream_telemetry.live.notices import notices
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.metric import Metric
from stream_telemetry.metrics.store import MetricStore

WELL = Facts(state="running", checks={"broker_connection": "pass"}, silence=1.0, read=1000)


def names(facts: Facts, store: MetricStore) -> list[str]:
    return [notice.name for notice in notices(facts, store)]


def test_a_query_that_is_well_has_none() -> None:
    assert names(WELL, MetricStore()) == []


@pytest.mark.parametrize(
    ("metric", "labels", "name"),
    [
        (catalogue.RECORDS_LOST, ("raw", "0"), "records lost"),
        (catalogue.UNACCOUNTED, (), "records unaccounted for"),
        (catalogue.LISTENER_ERRORS, (), "figures missing"),
        (catalogue.HELD_BACK, ("raw", "0"), "records held back"),
        (catalogue.COMMIT_ERRORS, (), "progress not committed"),
    ],
)
def test_what_was_counted_is_told_with_its_number(
    metric: Metric, labels: tuple[str, ...], name: str
) -> None:
    store = MetricStore()
    store.set(metric, 1234, *labels)
    (notice,) = notices(WELL, store)
    assert notice.name == name
    assert "1,234" in notice.text


@pytest.mark.parametrize(
    ("checks", "name"),
    [({"telemetry": "fail"}, "telemetry ill"), ({"model_loaded": "fail"}, "no model")],
)
def test_a_check_that_fails_is_told(checks: dict[str, str], name: str) -> None:
    assert names(replace(WELL, checks=checks), MetricStore()) == [name]  # type: ignore[arg-type]  # literals


def test_many_refused_records_are_told_until_they_are_most() -> None:
    assert names(replace(WELL, refused=40), MetricStore()) == []
    assert names(replace(WELL, refused=60), MetricStore()) == ["many refused"]
    assert names(replace(WELL, refused=600), MetricStore()) == []


def test_a_query_without_reserve_is_told_while_it_works() -> None:
    store = MetricStore()
    store.set(catalogue.BUSY_RATIO, 0.97)
    assert names(WELL, store) == ["no reserve"]
    assert names(replace(WELL, read=0), store) == []
