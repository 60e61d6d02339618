"""Customers as in training, then others: what a real Prometheus makes of the job's own figures."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from job import HOME, Job
from load import meanwhile
from monitoring.runbook_page import command, shell
from quick_rules import ask, shortened_home, soon
from walked_job import write_tools

from churn_tools.customers.synthetic import synthetic_customers
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import CustomerTopics
from sandbox.monitoring.programs import Monitoring, Ports
from sandbox.ports import free_port

pytestmark = [
    pytest.mark.needs("prometheus", "prometheus-pushgateway", "prometheus-alertmanager", "jq"),
    pytest.mark.slow,
]

LARGE, NONE_TO_SPEAK_OF = 0.25, 0.1
RECORDS = 8000
HOST = "HOST:9092"


def customers(**changed: object) -> Iterator[Mapping[str, object]]:
    """Made-up customers without end; with `changed`, nine of ten have these fields."""
    for number, customer in enumerate(synthetic_customers(11)):
        yield {**customer, **(changed if number % 10 else {})}


def send(job: Job, chosen: Iterator[Mapping[str, object]], count: int) -> None:
    producer = Producer({"bootstrap.servers": job.broker, "linger.ms": 5})
    for customer in itertools.islice(chosen, count):
        producer.produce(job.topics.raw, json.dumps(customer))
    assert producer.flush(60) == 0


def indices(prometheus: str) -> dict[str, float]:
    """The stability indices over the latest records, by feature; the scores' too."""
    series = 'model_feature_psi{window="records"} or model_score_psi{window="records"}'
    return {
        one["metric"].get("feature", "score"): float(one["value"][1])
        for one in ask(prometheus, series)
    }


def firing(prometheus: str) -> list[dict[str, Any]]:
    alerts = ask(prometheus, 'ALERTS{alertname=~"Model.*",alertstate="firing"}')
    return [one["metric"] for one in alerts]


def assert_the_runbook_shows_which_values(
    directory: Path, job: Job, coming: Iterator[Mapping[str, object]]
) -> None:
    trained, now = (
        command(start, "ModelInputDrift").replace("FEATURE", "Contract").replace(HOST, job.broker)
        for start in ("jq", "kafka-console-consumer.sh")
    )
    assert 0.2 < json.loads(shell(trained, cwd=HOME))["Two year"] < 0.3
    write_tools(directory / "bin")
    path = {**os.environ, "PATH": f"{directory / 'bin'}:{os.environ['PATH']}"}
    with meanwhile(lambda: send(job, coming, 100)):
        counted = shell(now.replace("telco.raw.customers", job.topics.raw), env=path)
    (two_year,) = re.findall(r"(\d+) Two year", counted)
    assert int(two_year) > 850


def test_other_customers_than_in_training_are_told_and_the_same_are_not(tmp_path: Path) -> None:
    ports = Ports(*(free_port() for _ in range(6)))
    with (
        KafkaBroker(tmp_path / "kafka") as broker,
        Monitoring(shortened_home(tmp_path / "home"), tmp_path / "monitoring", ports) as monitoring,
    ):
        topics = CustomerTopics()
        topics.create(broker.bootstrap_servers)
        prometheus = monitoring.addresses["prometheus"]
        job = Job(tmp_path, broker.bootstrap_servers, topics)
        options = (
            *("--conf", f"spark.ui.port={ports.spark}", "--metrics-port", str(ports.job)),
            *("--trigger", "1 second", "--drift-records", str(RECORDS), "--drift-minutes", "1"),
        )
        usual, other = customers(), customers(Contract="Two year")
        with job.running(*options) as process:
            send(job, usual, 50)
            few = 'model_window_records{window="records"} == 50'
            soon(lambda: ask(prometheus, few), "fifty records", process)
            assert indices(prometheus) == {}
            assert ask(prometheus, "model_mean_score or model_brier_score") == []

            send(job, usual, RECORDS)
            soon(lambda: len(indices(prometheus)) == 20, "all figures", process)
            found = indices(prometheus)
            assert max(found.values()) < NONE_TO_SPEAK_OF, found
            (brier,) = ask(prometheus, 'model_brier_score{window="records"}')
            assert 0.10 < float(brier["value"][1]) < 0.17
            assert firing(prometheus) == []

            send(job, other, 2 * RECORDS)
            soon(lambda: indices(prometheus)["Contract"] > LARGE, "drift", process)
            soon(
                lambda: [a for a in firing(prometheus) if a.get("feature") == "Contract"],
                "ModelInputDrift",
                process,
            )
            others = indices(prometheus)
            assert others["gender"] < NONE_TO_SPEAK_OF
            (alert,) = (a for a in firing(prometheus) if a.get("feature"))
            assert alert["alertname"] == "ModelInputDrift"
            assert_the_runbook_shows_which_values(tmp_path, job, other)
