"""Runs that push, and what a Pushgateway then holds."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import urlopen

from stream_telemetry.batch.observation import Histogram, Observed
from stream_telemetry.batch.progress import Batch
from stream_telemetry.health import Health, Limits
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.outlets.gateway import Gateway
from stream_telemetry.outlets.push import PushThread
from stream_telemetry.outlets.run_report import RunReport

NOTHING = Histogram((), 0.0)


def make_batch(number: int, read: int = 10) -> Batch:
    observed = Observed(read - 2, {"validation_error": 2}, {}, NOTHING)
    return Batch(number, 1000.0, 2.0, {}, read, observed, {})


def groups(url: str) -> dict[tuple[str, str], dict[str, float]]:
    """What the gateway holds: values by metric, by (job, instance)."""
    with urlopen(f"{url}/api/v1/metrics", timeout=5) as answer:
        document = json.load(answer)
    found: dict[tuple[str, str], dict[str, float]] = {}
    for group in document["data"]:
        key = group["labels"]["job"], group["labels"].get("instance", "")
        found[key] = {
            name: float(family["metrics"][0]["value"])
            for name, family in group.items()
            if name.startswith("stream_")
        }
    return found


class Pushing:
    """A run that reports, its push thread, and the number of pushes that failed."""

    def __init__(
        self, url: str, *, keep: bool = False, expected_interval: float = 0.0, **options: Any
    ) -> None:
        self._store = MetricStore()
        self.health = Health(Limits(60), has_model=False)
        gateway = Gateway(url, "churn", "group", **options)
        self._report = RunReport(gateway, keep=keep, expected_interval=expected_interval)
        self._report.__enter__()
        self.thread = PushThread(self._report, self._store, self.health)
        self.thread.start()

    def finish(self, error: BaseException | None = None, *, is_complete: bool = True) -> None:
        self.thread.finish()
        self._report.is_complete = is_complete
        self._report.__exit__(type(error), error, None)

    @property
    def errors(self) -> int:
        return int(self._store.value(catalogue.PUSH_ERRORS))

    @property
    def surprises(self) -> int:
        return int(self._store.value(catalogue.WORKER_ERRORS, "push"))
