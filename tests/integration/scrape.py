"""Reads an exporter as Prometheus does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


@dataclass(frozen=True)
class Scrape:
    """One answer of `/metrics`."""

    text: str

    @cached_property
    def samples(self) -> list[Sample]:
        return [s for family in text_string_to_metric_families(self.text) for s in family.samples]

    def total(self, name: str, **labels: str) -> float:
        """The sum of all series of this name that have these labels."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def buckets(self, name: str, **labels: str) -> list[float]:
        """A histogram's cumulated buckets, by rising bound."""
        found = [
            (float(sample.labels["le"]), sample.value)
            for sample in self.samples
            if sample.name == f"{name}_bucket" and labels.items() <= sample.labels.items()
        ]
        return [value for _, value in sorted(found)]


def scrape(url: str) -> Scrape | None:
    """What the exporter shows; None while it does not answer."""
    try:
        with urlopen(f"{url}/metrics", timeout=5) as answer:
            return Scrape(answer.read().decode())
    except (URLError, OSError):
        return None


def health(url: str) -> tuple[int, Mapping[str, str]]:
    """The status of `/health` and its checks; 0 while nothing answers."""
    try:
        with urlopen(f"{url}/health", timeout=5) as answer:
            return int(answer.status), json.load(answer)["checks"]
    except HTTPError as error:
        with error:
            return error.code, json.load(error)["checks"]
    except (URLError, OSError):
        return 0, {}


def is_ready(url: str) -> bool:
    """Whether records are dealt with as they come, by `/health/ready`."""
    try:
        with urlopen(f"{url}/health/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
