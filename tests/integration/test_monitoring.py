"""The dashboards' queries, the rules and three alerts, on a real job and the real programs.

The rules are a copy with shorter windows; all else is the files in conf/, started as by
./monitoring.sh.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from confluent_kafka import Producer
from job import Job
from listening import listening, open_to_others
from load import meanwhile
from quick_rules import api, ask, panel_queries, shortened_home, soon
from saved_models import SHIPPED

from churn_tools.customers.synthetic import synthetic_customers
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import CustomerTopics
from sandbox.monitoring.programs import Monitoring, Ports
from sandbox.ports import free_port
from stream_telemetry.metrics import of_model, pushed
from stream_telemetry.metrics.catalogue import CATALOGUE

pytestmark = pytest.mark.needs("prometheus", "prometheus-pushgateway", "prometheus-alertmanager")

# What Prometheus, the Pushgateway and our recording rules add to a job's own series.
FOREIGN = re.compile("up$|scrape_|push_|ALERTS|.*:")


def names(prometheus: str, job: str) -> set[str]:
    match = quote(f'{{job="{job}"}}')
    return set(api(f"{prometheus}/api/v1/label/__name__/values?match[]={match}")["data"])


def received(alertmanager: str, name: str) -> list[dict[str, Any]]:
    matcher = quote(f'alertname="{name}"')
    found = api(f"{alertmanager}/api/v2/alerts?filter={matcher}")
    return [alert for alert in found if alert["labels"]["job"] == "kafka_consumer"]


@contextmanager
def feeding(job: Job) -> Iterator[Producer]:
    """Some ten records a second, one in fifty of them broken, while it lasts."""
    producer = Producer({"bootstrap.servers": job.broker, "linger.ms": 5})
    customers = enumerate(synthetic_customers(1), 1)

    def feed() -> None:
        number, customer = next(customers)
        good = json.dumps(customer)
        producer.produce(job.topics.raw, good if number % 50 else b'{"tenure": -1}')
        producer.poll(0)

    try:
        with meanwhile(feed):
            yield producer
    finally:
        producer.flush(10)


def rules(prometheus: str) -> list[dict[str, Any]]:
    groups = api(f"{prometheus}/api/v1/rules")["data"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


class Unseen:
    """Queries of panels and recorded series that have not had data yet; none may ever fail."""

    def __init__(self, prometheus: str) -> None:
        self._prometheus = prometheus
        # Some tell of what is not there, of open transactions, of scores that nobody gets, of runs
        # with an end, or of labels that come later, which another query reads.
        silent = (
            *("absent(", "stream_records_held_back", "stream_right_missing"),
            *("model_calibration_ratio", of_model.LABEL_FATES.name, 'run="once"'),
        )
        self._waiting = {k: v for k, v in panel_queries() if not any(word in v for word in silent)}
        recorded = [rule for rule in rules(prometheus) if rule["type"] == "recording"]
        self._waiting |= {rule["name"]: rule["name"] for rule in recorded}
        assert len(self._waiting) > 70

    def is_empty(self) -> bool:
        self._waiting = {
            place: text for place, text in self._waiting.items() if not ask(self._prometheus, text)
        }
        return not self._waiting

    def __str__(self) -> str:
        return str(self._waiting)


def assert_exports_the_catalogue(prometheus: str) -> None:
    for source, job in (("scrape", "kafka_consumer"), ("push", "churn")):
        own = {
            metric.name + part
            for metric in CATALOGUE
            # A stream has no success before its end; labels that come later are another query's.
            if metric.source == source and metric not in (pushed.LAST_SUCCESS, of_model.LABEL_FATES)
            for part in (("_bucket", "_count", "_sum") if metric.kind == "histogram" else ("",))
        }
        found = {name for name in names(prometheus, job) if not FOREIGN.match(name)}
        assert found == own


def produce_broken(producer: Producer, topic: str, count: int) -> None:
    for _ in range(count):
        producer.produce(topic, b'{"tenure": 900}')


def every(seconds: float, action: Callable[[], None]) -> Iterator[None]:
    """Does it, at each `next` that comes so long after the one before."""
    while True:
        action()
        done = time.monotonic()
        while time.monotonic() - done < seconds:
            yield


def test_panels_and_rules_have_data_and_alerts_arrive(tmp_path: Path) -> None:
    ports = Ports(*(free_port() for _ in range(6)))
    with (
        KafkaBroker(tmp_path / "kafka") as broker,
        Monitoring(shortened_home(tmp_path / "home"), tmp_path / "monitoring", ports) as monitoring,
    ):
        down, lost, burst = "JobDown", "ConsumerDisconnected", "DeadLetterBurst"
        topics = CustomerTopics()
        topics.create(broker.bootstrap_servers)
        prometheus = monitoring.addresses["prometheus"]
        alertmanager = monitoring.addresses["alertmanager"]
        job = Job(tmp_path, broker.bootstrap_servers, topics)
        options = (
            *("--conf", f"spark.ui.port={ports.spark}", "--metrics-port", str(ports.job)),
            *("--trigger", "1 second", "--pushgateway", monitoring.addresses["pushgateway"]),
            *("--drift-least-records", "20", "--shadow-model", str(SHIPPED)),
        )
        with job.running(*options) as process:
            with feeding(job) as producer:
                unseen = Unseen(prometheus)
                soon(unseen.is_empty, unseen, process)
                # The job, Kafka and the programs of the monitoring are this process' children.
                taken = {port for _, port in listening(os.getpid())}
                assert taken >= {ports.job, ports.spark, ports.prometheus, ports.pushgateway}
                assert open_to_others(os.getpid()) == {}
                assert {
                    rule["name"] for rule in rules(prometheus) if rule["health"] != "ok"
                } == set()
                assert_exports_the_catalogue(prometheus)
                soon(lambda: not received(alertmanager, down), f"no {down}", process)
                # A first batch that had to wait for Spark may hold a small burst of its own.
                soon(lambda: not received(alertmanager, burst), f"no {burst}", process)
                # With windows of seconds a burst is soon over, and may be missed on a busy machine.
                bursts = every(30, lambda: produce_broken(producer, topics.raw, 400))
                soon(lambda: next(bursts) or received(alertmanager, burst), burst, process)
            broker.stop()
            soon(lambda: received(alertmanager, lost), lost, process)
            soon(lambda: not received(alertmanager, down), f"no {down}", process)

            os.killpg(process.pid, signal.SIGKILL)
            soon(lambda: received(alertmanager, down), down)
            # One death, one alert.
            soon(lambda: not received(alertmanager, lost), f"no {lost}")
