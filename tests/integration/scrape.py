"""Reads an exporter as Prometheus does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from job import Job
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from sandbox.kafka.read_back import read_topic
from stream_telemetry.broker.read import object_of

OPERATIONS = ("validation", "transformation", "inference", "total")


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


def processed(shown: Scrape | None) -> float:
    """How many records were dealt with; -1 where nobody answers."""
    return -1 if shown is None else shown.total("kafka_messages_processed_total")


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


def assert_shows_what_is_in_the_topics(now: Scrape, job: Job, records: int) -> None:
    predictions = sum(1 for _ in read_topic(job.broker, job.topics.predictions))
    letters = [object_of(message) for message in read_topic(job.broker, job.topics.dead_letters)]
    assert now.total("kafka_messages_processed_total", status="success") == predictions
    assert now.total("kafka_messages_processed_total", status="failed") == len(letters)
    for error_type, count in Counter(letter["error_type"] for letter in letters).items():
        assert now.total("kafka_messages_failed_total", error_type=error_type) == count
    fields = Counter(
        violation["field"] or "message"
        for letter in letters
        for violation in letter["validation_errors"]
    )
    for name in ("tenure", "message"):
        assert now.total("stream_rule_violations_total", field=name) == fields[name]
    assert now.total("stream_records_unaccounted") == 0
    assert now.total("stream_listener_errors_total") == 0
    for operation in OPERATIONS:
        buckets = now.buckets("kafka_processing_latency_seconds", operation=operation)
        assert buckets == sorted(buckets)
        assert buckets[-1] == records
    name = "kafka_processing_latency_seconds_count"
    assert now.total(name) == len(OPERATIONS) * records
    ages = now.buckets("stream_end_to_end_latency_seconds")
    assert ages == sorted(ages)
    assert ages[-1] == now.total("stream_end_to_end_latency_seconds_count") == records
