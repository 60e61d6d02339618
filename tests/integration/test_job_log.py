"""What a run of the job leaves in its log and with a collector, and the manual's recipes on it."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from binaries import binary
from confluent_kafka import Message, Producer
from job import HOME, Job
from otlp_collector import Collector, as_scraped, attributes, collector

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.producer.source import to_records
from sandbox.kafka.read_back import answered, read_topic
from sandbox.kafka.topics import CustomerTopics
from stream_telemetry.broker.read import object_of
from stream_telemetry.logs.configure import READABLE_RECORDS_PER_SECOND

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
CUSTOMER = "7590-VHVEG"
HOUR_MS = 3_600_000
MARKER = "a-payload-that-no-log-may-hold"
RECIPES = re.findall(r"^\$ (.+)$", (HOME / "docs" / "operations.md").read_text("utf-8"), re.M)
ABOUT_LOGS = [
    recipe for recipe in RECIPES if re.search(r"logs/(kafka_consumer|spark)\.log", recipe)
]


@pytest.fixture(scope="module")
def told() -> Iterator[Collector]:
    with collector() as made:
        yield made


@pytest.fixture(scope="module")
def run(broker: str, told: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """A finished run over 1,000 events, about 2 % of them broken."""
    topics = CustomerTopics("logged.raw", "logged.predictions", "logged.deadletter")
    topics.create(broker)
    job = Job(tmp_path_factory.mktemp("job"), broker, topics)
    producer = Producer({"bootstrap.servers": broker})
    for record in to_records(islice(synthetic_customers(1), 997), bad_ratio=0.02, seed=1):
        producer.produce(topics.raw, record.value, record.key)
    special = {**next(synthetic_customers(2)), "customerID": CUSTOMER}
    producer.produce(
        topics.raw,
        json.dumps(special),
        CUSTOMER,
        # The slowest of all.
        timestamp=round(time.time() * 1000) - HOUR_MS,
        headers=[("traceparent", TRACE.encode()), ("own", MARKER.encode())],
    )
    producer.produce(topics.raw, json.dumps({**special, "zzz" + MARKER: MARKER}), b"a\x1b[31m\n")
    producer.produce(topics.raw, MARKER)
    assert producer.flush(30) == 0
    finished = job.run("--trigger", "once", "--otlp-endpoint", told.url)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    yield job
    topics.delete(broker)


def entries(job: Job, name: str = "kafka_consumer") -> list[dict[str, object]]:
    text = (job.directory / "logs" / f"{name}.log").read_text("ascii")
    return [json.loads(line) for line in text.splitlines()]


def violations(line: dict[str, object]) -> list[object]:
    named = line["violations"]
    assert isinstance(named, list)
    return named


def outputs(job: Job) -> dict[tuple[str, int, int], Message]:
    topics = (job.topics.predictions, job.topics.dead_letters)
    found = [message for topic in topics for message in read_topic(job.broker, topic)]
    return {answered(message): message for message in found}


def test_each_record_has_a_line_that_says_what_its_output_says(run: Job) -> None:
    lines = {
        (line["topic"], line["partition"], line["offset"]): line
        for line in entries(run)
        if "event_type" in line
    }
    written = outputs(run)
    assert lines.keys() == written.keys()
    assert len(lines) == 1000
    for place, message in written.items():
        line, value = lines[place], object_of(message)
        assert line["batch_id"] == 0
        assert line["query"] == "churn"
        assert isinstance(line["latency_ms"], float)
        if message.topic() == run.topics.predictions:
            assert line["level"] == "INFO"
            assert line["churn_probability"] == value["churn_probability"]
            assert line["prediction"] == int(value["prediction"] == "Yes")
        else:
            assert line["level"] == "WARNING"
            assert line["error_type"] == "schema_validation"
            assert len(violations(line)) == len(value["validation_errors"])
    kinds = Counter(line["event_type"] for line in lines.values())
    dead = sum(message.topic() == run.topics.dead_letters for message in written.values())
    assert kinds == {"message_processed": 1000 - dead, "validation_failure": dead}
    traced = [line for line in lines.values() if "traceparent" in line]
    assert [(line["traceparent"], line["message_id"]) for line in traced] == [(TRACE, CUSTOMER)]


def test_a_collector_has_the_counters_and_the_batch_with_its_slowest_record(
    run: Job, told: Collector
) -> None:
    (traced,) = [line for line in entries(run) if "traceparent" in line]
    counted = as_scraped(told.latest)
    topic = ("topic", run.topics.raw)
    assert (
        sum(
            counted["kafka_messages_processed_total", frozenset({("status", status), topic})]
            for status in ("success", "failed")
        )
        == 1000
    )
    (point,) = told.latest["stream_end_to_end_latency_seconds"].histogram.data_points
    assert point.count == 1000
    (exemplar,) = point.exemplars
    place = {name: str(traced[name]) for name in ("topic", "partition", "offset")}
    assert attributes(exemplar.filtered_attributes) == place
    assert exemplar.trace_id.hex() in TRACE
    assert exemplar.as_double > HOUR_MS / 1000
    (span,) = told.spans
    assert attributes(span.attributes)["messaging.batch.message_count"] == "1000"
    (link,) = span.links
    assert (link.trace_id, link.span_id) == (exemplar.trace_id, exemplar.span_id)


def test_the_standard_fields_are_there_and_of_their_types(run: Job) -> None:
    kinds = {"level": str, "logger": str, "message": str, "module": str, "function": str}
    for line in entries(run):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z", str(line["timestamp"]))
        assert all(isinstance(line[name], kind) for name, kind in {**kinds, "line": int}.items())
    texts = [str(line["message"]) for line in entries(run)]
    for said in ("reading ", "query churn started", "batch 0: 1000 read", "query churn ended"):
        assert any(text.startswith(said) for text in texts), said


def test_the_jvm_writes_lines_of_the_same_shape(run: Job) -> None:
    lines = entries(run, "spark")
    assert lines
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z", str(line["timestamp"]))
        assert {"logger", "message"} <= line.keys()
        assert line["level"] in ("WARNING", "ERROR", "CRITICAL")


@pytest.mark.slow
def test_a_container_reads_the_lines_from_the_jobs_outputs(run: Job) -> None:
    finished = run.run(
        *("--trigger", "once", "--checkpoint", str(run.directory / "another")),
        *("--log-dir", "-", "--run-log-dir", "off"),
    )
    assert finished.returncode == 0, finished.stderr
    lines = [json.loads(line) for line in finished.stdout.splitlines()]
    assert sum("event_type" in line for line in lines) == 1000
    jvm = [json.loads(line) for line in finished.stderr.splitlines() if line.startswith("{")]
    assert {line["level"] for line in jvm} <= {"WARNING", "ERROR", "CRITICAL"}
    assert {"timestamp", "level", "logger", "message"} <= jvm[0].keys()
    assert not (run.directory / "-").exists()


def test_no_log_holds_what_an_event_held(run: Job) -> None:
    files = [path for path in run.directory.rglob("*.log*") if "checkpoint" not in path.parts]
    assert len(files) >= 3
    for path in files:
        assert MARKER not in path.read_text("utf-8"), path
        assert path.stat().st_mode & 0o077 == 0, path


def test_people_read_the_run_without_its_successes(run: Job) -> None:
    (file,) = (run.directory / "artifacts" / "logs").glob("consumer_????????_??????.log")
    text = file.read_text("utf-8")
    assert "batch 0: 1000 read" in text
    # As many as people can read: which ones come first is up to the partitions.
    failures = re.findall(r"WARNING logged\.raw-\d+-\d+ \w+: \w+", text)
    assert READABLE_RECORDS_PER_SECOND <= len(failures) <= 21, text
    assert "churn probability" not in text


def keep_failures_of_ours(logs: Path) -> None:
    """Puts such as no run should have into the log and, as years ago, into an archived one."""
    log = logs / "kafka_consumer.log"
    line = next(line for line in log.read_text().splitlines() if "validation_failure" in line)
    ours = line.replace('"WARNING"', '"ERROR"')
    with log.open("a") as file:
        file.write(ours.replace("validation_failure", "processing_exception") + "\n")
    with gzip.open(logs / "kafka_consumer.log.5.gz", "wt") as file:
        file.write(ours.replace("validation_failure", "inference_failure") + "\n")


@pytest.mark.needs("jq")
@pytest.mark.parametrize("recipe", ABOUT_LOGS)
def test_a_recipe_of_the_manual_finds_something(run: Job, tmp_path: Path, recipe: str) -> None:
    binary("jq")
    logs = Path(shutil.copytree(run.directory / "logs", tmp_path / "logs"))
    keep_failures_of_ours(logs)
    is_ours = "stream_telemetry.logs" in recipe
    following = (is_ours and " -f " in recipe) or "tail -F" in recipe
    watching = recipe.startswith("watch")
    news = '{"level": "ERROR", "timestamp": "now", "message": "just come"}'
    seconds = 4 if is_ours else 2
    later = f"(sleep 0.5; echo '{news}' >>logs/kafka_consumer.log) & timeout {seconds} {recipe}"
    result = subprocess.run(
        ["bash", "-c", later if following else f"timeout 1 {recipe}" if watching else recipe],
        cwd=tmp_path,
        env={
            **os.environ,
            "TERM": "xterm",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(HOME / "lib"),
        },
        capture_output=True,
        text=True,
    )
    assert result.stdout.strip(), recipe
    assert "error" not in result.stderr
    # A pipe has the exit code of its last command; ours is alone.
    assert result.returncode == (124 if watching or (following and is_ours) else 0)
    last = "just come\n" if is_ours else '"message":"just come"}\n'
    assert not following or result.stdout.endswith(last)


def test_the_manual_has_its_recipes() -> None:
    assert len(ABOUT_LOGS) > 20
