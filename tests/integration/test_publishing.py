from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pytest
from confluent_kafka import Message
from confluent_kafka.admin import AdminClient

from churn_tools.customers.broken import broken_records
from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.producer.command import main
from churn_tools.producer.contract_validator import ContractValidator
from churn_tools.producer.feed import Feed, StopRequest
from churn_tools.producer.pacing import Pacer
from churn_tools.producer.publisher import Publisher, Record
from churn_tools.producer.source import to_records
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.read_back import read_topic
from sandbox.kafka.topics import create_topics, delete_topics
from stream_telemetry.broker.read import TopicReader
from telco_churn.errors import KafkaUnavailableError
from telco_churn.paths import read_schema
from telco_churn.query.settings import BrokerSettings

JOB = Path(__file__).resolve().parents[2] / "jobs" / "produce_customers.py"
CONTRACT = read_schema("customer_event")


@pytest.fixture(autouse=True)
def own_log_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHURN_STREAM_LOG_DIR", str(tmp_path / "logs"))


@pytest.fixture
def topic(broker: str) -> Iterator[str]:
    name = f"customers-{uuid.uuid4()}"
    create_topics(broker, {name: 3})
    yield name
    delete_topics(broker, [name])


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    columns = [name for name in CONTRACT["properties"] if name != "event_ts"]
    customers = islice(synthetic_customers(8), 300)
    rows = [",".join(str(customer[name]) for name in columns) for customer in customers]
    path = tmp_path / "telco.csv"
    path.write_text("\n".join([",".join(columns), *rows, ""]), "utf-8")
    return path


def records_in(broker: str, topic: str) -> list[Message]:
    return list(read_topic(broker, topic))


def keys_in(broker: str, topic: str) -> Counter[str]:
    return Counter((record.key() or b"").decode() for record in records_in(broker, topic))


def customer_ids(csv_file: Path) -> list[str]:
    return [line.split(",")[0] for line in csv_file.read_text("utf-8").splitlines()[1:]]


@contextmanager
def running_job(broker: str, topic: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(JOB), "--broker", broker, "--topic", topic, *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as job:
        try:
            yield job
        finally:
            job.kill()


def wait_for_records(broker: str, topic: str, count: int) -> None:
    deadline = time.monotonic() + 30
    with TopicReader({"bootstrap.servers": broker}, [topic]) as reader:
        reader.begin()
        while count > 0:
            assert time.monotonic() < deadline
            count -= len(reader.poll(0.2, most=100))


def totals_of(output: str) -> list[int]:
    """The numbers of sent, failed and invalid records in the last line."""
    words = output.splitlines()[-1].replace(",", "").split()
    return [int(words[1]), int(words[3]), int(words[5])]


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


def test_stopped_csv_run_goes_on_where_it_was_with_nothing_lost_or_doubled(
    broker: str, topic: str, csv_file: Path
) -> None:
    checkpoint = csv_file.with_name("at.json")
    arguments = ["--csv", str(csv_file), "--checkpoint-file", str(checkpoint), "--batch-size", "40"]
    with running_job(broker, topic, *arguments, "--rate", "60") as job:
        wait_for_records(broker, topic, 60)
        job.send_signal(signal.SIGINT)
        output, errors = job.communicate(timeout=20)
    assert (job.returncode, "Traceback" in errors) == (0, False)
    sent = totals_of(output)[0]
    assert 60 <= sent < 300
    assert json.loads(checkpoint.read_text())["rows"] == sent
    assert keys_in(broker, topic).keys() == set(customer_ids(csv_file)[:sent])

    main(["--broker", broker, "--topic", topic, *arguments])
    assert keys_in(broker, topic) == Counter(customer_ids(csv_file))

    main(["--broker", broker, "--topic", topic, *arguments])
    assert len(records_in(broker, topic)) == 300


def test_line_that_is_no_csv_ends_the_run_and_what_comes_before_it_is_sent_and_known(
    broker: str, topic: str, csv_file: Path
) -> None:
    whole = csv_file.read_text("utf-8")
    lines = whole.splitlines()
    csv_file.write_text("\n".join([*lines[:150], f'"{lines[150]}', *lines[151:], ""]), "utf-8")
    checkpoint = csv_file.with_name("at.json")
    arguments = ["--csv", str(csv_file), "--checkpoint-file", str(checkpoint), "--batch-size", "40"]
    with running_job(broker, topic, *arguments, "--log-level", "ERROR") as job:
        output, errors = job.communicate(timeout=30)
    assert job.returncode == 2
    assert errors == (
        f"produce_customers: --csv {csv_file}: line 151 has a quote that is not closed; mend that "
        "line, then send the rest\n"
    )
    assert totals_of(output) == [149, 0, 0]

    csv_file.write_text(whole, "utf-8")
    main(["--broker", broker, "--topic", topic, *arguments])
    assert keys_in(broker, topic) == Counter(customer_ids(csv_file))


def test_csv_that_has_grown_goes_on_behind_what_was_sent(
    broker: str, topic: str, csv_file: Path
) -> None:
    whole = csv_file.read_text("utf-8")
    csv_file.write_text("".join(whole.splitlines(keepends=True)[:201]), "utf-8")
    arguments = ["--csv", str(csv_file), "--checkpoint-file", str(csv_file.with_name("at.json"))]
    main(["--broker", broker, "--topic", topic, *arguments])
    csv_file.write_text(whole, "utf-8")
    main(["--broker", broker, "--topic", topic, *arguments])
    assert keys_in(broker, topic) == Counter(customer_ids(csv_file))


def test_killed_csv_run_loses_nothing_and_doubles_less_than_a_batch(
    broker: str, topic: str, csv_file: Path
) -> None:
    checkpoint = csv_file.with_name("at.json")
    arguments = ["--csv", str(csv_file), "--checkpoint-file", str(checkpoint), "--batch-size", "40"]
    with running_job(broker, topic, *arguments, "--rate", "60"):
        wait_for_records(broker, topic, 60)
    main(["--broker", broker, "--topic", topic, *arguments])
    keys = keys_in(broker, topic)
    assert keys.keys() == set(customer_ids(csv_file))
    assert 300 <= keys.total() <= 340


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
    command: Sequence[str] = [sys.executable, str(JOB), "--synthetic", "4", "--dry-run"]
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
