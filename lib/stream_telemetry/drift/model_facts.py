"""What is known of the model that a query scores with, and of those that were to replace it."""

from __future__ import annotations

from collections.abc import Callable

from stream_telemetry.drift.watch import ModelWatch
from stream_telemetry.health import Health
from stream_telemetry.metrics import catalogue, of_model
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.shadow.shadow_watch import ShadowWatch


class ModelFacts:
    """Keeps the metrics of the model, and lets health know that there is one."""

    def __init__(
        self,
        store: MetricStore,
        health: Health,
        watch_by: Callable[[ModelWatch | ShadowWatch], None],
    ) -> None:
        """Makes the series exist that are there without a model.

        Args:
            store: of the metrics.
            health: of the query.
            watch_by: called with what batches tell of from now on.
        """
        self._store = store
        self._health = health
        self._watch_by = watch_by
        store.declare(catalogue.MODEL_LOADED)
        store.declare(of_model.CHANGES, [(outcome,) for outcome in of_model.OUTCOMES])
        store.declare(of_model.REFUSED)

    def loaded(self, version: str, created: float, watch: ModelWatch | None = None) -> None:
        """Notes the model that scores from now on, instead of another one perhaps.

        Args:
            version: of the model.
            created: when it was made, in seconds since 1970.
            watch: what the plan counts for.
        """
        with self._store.together():
            self._store.set(catalogue.MODEL_LOADED, 1.0)
            self._store.forget(catalogue.MODEL_INFO)
            self._store.declare(catalogue.MODEL_INFO, [(version,)])
            self._store.set(catalogue.MODEL_CREATED, created)
        self._health.set_model(is_loaded=True)
        if watch:
            self._watch_by(watch)

    def shadowed(self, version: str, watch: ShadowWatch) -> None:
        """Notes the model that scores beside it, compared to it from now on.

        Args:
            version: of the shadow.
            watch: what the plan counts of both.
        """
        self._store.declare(of_model.SHADOW_INFO, [(version,)])
        self._watch_by(watch)

    def changed(self, outcome: str) -> None:
        """Notes what became of the model that was found, and counts it if it is another one.

        Args:
            outcome: one of `of_model.OUTCOMES`; anything else says that it is the one that scores.
        """
        with self._store.together():
            if outcome in of_model.OUTCOMES:
                self._store.add(of_model.CHANGES, 1, outcome)
            self._store.set(of_model.REFUSED, float(outcome == "refused"))
