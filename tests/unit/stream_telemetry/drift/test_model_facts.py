"""What is shown of the model, when it comes and when it changes."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from stream_telemetry.drift.model_facts import ModelFacts
from stream_telemetry.drift.settings import DriftSettings
from stream_telemetry.health import Health, Limits
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.shadow.comparison import ShadowCounting
from stream_telemetry.shadow.shadow_watch import ShadowWatch


@pytest.fixture
def shown() -> tuple[ModelFacts, CollectorRegistry, Health]:
    store, registry = MetricStore(), CollectorRegistry()
    registry.register(store)
    health = Health(Limits(60), has_model=True)
    return ModelFacts(store, health, lambda watch: None), registry, health


def test_before_it_is_loaded_there_is_none(
    shown: tuple[ModelFacts, CollectorRegistry, Health],
) -> None:
    _, registry, health = shown
    assert registry.get_sample_value("kafka_consumer_model_loaded") == 0
    assert health.checks["model_loaded"] == "not_initialized"
    for outcome in ("taken", "refused"):
        assert registry.get_sample_value("model_changes_total", {"outcome": outcome}) == 0
    assert registry.get_sample_value("model_refused") == 0


def test_of_two_models_the_last_one_is_shown(
    shown: tuple[ModelFacts, CollectorRegistry, Health],
) -> None:
    model, registry, health = shown
    model.loaded("1", 1000.0)
    model.loaded("2", 2000.0)
    model.changed("taken")
    assert registry.get_sample_value("model_info", {"version": "1"}) is None
    assert registry.get_sample_value("model_info", {"version": "2"}) == 1
    assert registry.get_sample_value("model_created_timestamp_seconds") == 2000
    assert registry.get_sample_value("kafka_consumer_model_loaded") == 1
    assert registry.get_sample_value("model_changes_total", {"outcome": "taken"}) == 1
    assert health.checks["model_loaded"] == "pass"


def test_a_model_that_was_refused_is_told_until_a_good_one_is_found(
    shown: tuple[ModelFacts, CollectorRegistry, Health],
) -> None:
    model, registry, _ = shown
    for outcome, is_refused, refused in (
        *(("refused", 1, 1), ("refused", 1, 2), ("taken", 0, 2), ("refused", 1, 3)),
        *(("kept", 0, 3),),
    ):
        model.changed(outcome)
        assert registry.get_sample_value("model_refused") == is_refused
        counted = registry.get_sample_value("model_changes_total", {"outcome": "refused"})
        assert counted == refused
    assert registry.get_sample_value("model_changes_total", {"outcome": "kept"}) is None


def test_a_shadow_is_named_and_stays_when_another_model_comes(
    shown: tuple[ModelFacts, CollectorRegistry, Health],
) -> None:
    model, registry, _ = shown
    model.loaded("1", 1000.0)
    assert registry.get_sample_value("model_shadow_info", {"version": "s"}) is None
    for version in ("1", "2"):
        model.loaded(version, 1000.0)
        model.shadowed("s", ShadowWatch(ShadowCounting(0.5, 0.5), DriftSettings()))
        assert registry.get_sample_value("model_shadow_info", {"version": "s"}) == 1
