"""What the producer sends to a real broker, refuses, and says of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from publishing import PRODUCER, records_in, running_job, totals_of, wait_for_records

from churn_tools.customers.broken import broken_records
from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.producer.command import main
from churn_tools.producer.contract_validator import ContractValidator
from churn_tools.producer.feed import Feed
from churn_tools.producer.pacing import Pacer
from churn_tools.producer.publisher import Publisher, Record
from churn_tools.producer.source import to_records
from churn_tools.stop_request import StopRequest
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import create_topics
from telco_churn.errors import KafkaUnavailableError
from telco_churn.paths import read_schema
from telco_churn.query.settings import BrokerSettings

CONTRACT = read_schema("customer_event")

pytestmark = pytest.mark.usefixtures("own_log_directory")


def test_every_event_arrives_once_under_its_customers_key(
    broker: str, topic: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    main(["--broker", broker, "--topic", topic, "--synthetic", "1200", "--seed", "3"])
    records = records_in(broker, topic)
    events = [json.loads(record.value() or b"") for record in records]
    assert Counter(event["customerID"] for event in events) == Counter(
        str(customer["customerID"]) for customer in islice(synthetic_customers(3), 1200)
    )
    assert [record.key() for record in records] == [e["customerID"].encode() for e in events]
    assert {record.partition() for record in records} == {0, 1, 2}
    referee = ContractValidator(CONTRACT)
    assert [event for event in events if referee.violations(event)] == []
    output, errors = capfd.readouterr()
    assert totals_of(output) == [1200, 0, 0]
    told = [line.partition(" INFO ")[2].strip() for line in errors.splitlines()]
    assert [line for line in told if line.startswith("batch")] == [
        "batch of 500: 500 sent, 0 refused or failed",
        "batch of 500: 500 sent, 0 refused or failed",
        "batch of 200: 200 sent, 0 refused or failed",
    ]
    log = (tmp_path / "logs" / "kafka_producer.log").read_text("ascii").splitlines()
    lines = [json.loads(line) for line in log]
    published = [line for line in lines if line.get("event_type") == "message_published"]
    batches = [line for line in lines if "batch_size" in line]
    assert len(published) + sum(line["suppressed_success"] for line in batches) == 1200
    places = {(record.partition(), record.offset()): record.key() for record in records}
    for line in published:
        assert places[line["partition"], line["offset"]] == line["message_id"].encode()
        assert isinstance(line["latency_ms"], float)
    counts = [(line["success_count"], line["failure_count"]) for line in batches]
    assert counts == [(500, 0), (500, 0), (200, 0)]


def test_broken_records_are_sent_as_they_are_without_validation(
    broker: str, topic: str, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--broker", broker, "--topic", topic, "--synthetic", "200", "--seed", "3"]
    main([*arguments, "--bad-ratio", "1", "--no-validate"])
    assert totals_of(capfd.readouterr().out) == [200, 0, 0]
    assert Counter((r.key(), r.value()) for r in records_in(broker, topic)).keys() >= {
        (bad.key, bad.value) for bad in islice(broken_records(4), 200) if bad.kind == "tombstone"
    }
    assert len(records_in(broker, topic)) == 200


def test_broken_records_are_refused_and_counted_with_validation(
    broker: str, topic: str, capfd: pytest.CaptureFixture[str]
) -> None:
    main(["--broker", broker, "--topic", topic, "--synthetic", "200", "--bad-ratio", "0.5"])
    sent, failed, invalid = totals_of(capfd.readouterr().out)
    assert (sent + invalid, failed) == (200, 0)
    assert invalid == pytest.approx(100, abs=40)
    referee = ContractValidator(CONTRACT)
    records = records_in(broker, topic)
    assert len(records) == sent
    assert [r.key() for r in records if referee.violations(referee.parse(r.value()))] == []


def test_endless_run_ends_in_order_on_sigterm(broker: str, topic: str) -> None:
    arguments = ["--synthetic", "0", "--rate", "200", "--log-level", "WARNING"]
    with running_job(broker, topic, *arguments) as job:
        wait_for_records(broker, topic, 20)
        job.send_signal(signal.SIGTERM)
        output, errors = job.communicate(timeout=20)
    assert (job.returncode, errors) == (0, "")
    assert totals_of(output) == [len(records_in(broker, topic)), 0, 0]


def test_topic_that_does_not_exist_is_exit_4_and_is_not_made(broker: str) -> None:
    with running_job(broker, "no-such-topic", "--synthetic", "5") as job:
        output, errors = job.communicate(timeout=30)
    assert (job.returncode, output) == (4, "")
    assert len(errors.splitlines()) == 1
    assert "kafka-topics.sh" in errors
    assert "no-such-topic" not in AdminClient({"bootstrap.servers": broker}).list_topics().topics


def test_job_runs_from_a_checkout_that_is_not_installed() -> None:
    environment = {name: v for name, v in os.environ.items() if name != "PYTHONPATH"}
    command: Sequence[str] = [sys.executable, str(PRODUCER), "--synthetic", "4", "--dry-run"]
    job = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert job.stdout.endswith("dry run: 4 valid, 0 invalid, nothing sent\n")


def test_record_that_kafka_refuses_is_counted_and_ends_the_run(broker: str, topic: str) -> None:
    publisher = Publisher(BrokerSettings(broker=broker), topic)
    batches: list[int] = []
    feed = Feed(publisher, None, Pacer(0), StopRequest(), 3, batches.append)
    records = [Record(b"k", b"small")] * 4 + [Record(b"k", b"x" * 2_000_000)]
    with pytest.raises(KafkaUnavailableError, match=r"did not take 1 records .*too large"):
        feed.send(iter(records))
    assert (publisher.sent, publisher.failed, batches) == (4, 1, [3])


def test_broker_that_goes_away_is_reported_and_the_open_batch_is_not_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with KafkaBroker(tmp_path / "kafka") as own_broker:
        create_topics(own_broker.bootstrap_servers, {"customers": 1})
        publisher = Publisher(BrokerSettings(broker=own_broker.bootstrap_servers), "customers", 2.0)
        batches: list[int] = []
        feed = Feed(publisher, None, Pacer(0), StopRequest(), 10, batches.append)
        feed.send(to_records(islice(synthetic_customers(1), 20), 0, 1))
        own_broker.kill()
        with pytest.raises(KafkaUnavailableError, match="did not take 10 records"):
            feed.send(to_records(islice(synthetic_customers(2), 30), 0, 2))
    assert (publisher.sent, publisher.failed, batches) == (20, 10, [10, 10])
    errors = [record for record in caplog.records if record.levelname == "ERROR"]
    failures = [error.__dict__ for error in errors if error.name == "kafka_producer"]
    # What librdkafka has to say of it comes by the same way.
    assert any("Connection refused" in error.getMessage() for error in errors)
    assert {line["event_type"] for line in failures} == {"publish_failure"}
    assert len({line["message_id"] for line in failures}) == 10
