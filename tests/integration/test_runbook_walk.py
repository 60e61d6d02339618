"""The runbook, walked through: a real job gets the fault of each alert, which has to fire.

Then the commands of its entry are run, and have to show what the entry says; what it tells to do
has to end the alert. Scheduled runs are walked through in test_runbook_runs.py.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.request import urlopen

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from load import load, publish, publish_broken
from monitoring.runbook_page import commands
from quick_rules import ask, soon
from scrape import health
from walk_faults import coming, customer, full, no_directory, starved
from walked_job import COMMANDS_RUN, CONSOLE, TOPICS, Walk, quota, tell_of, walking

from sandbox.ports import LOOPBACK

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("prometheus", "prometheus-pushgateway", "prometheus-alertmanager", "jq"),
]

ELSEWHERE = {
    "python -m dashboards": "test_dashboards_command.py",
    "systemctl": "wants a machine with systemd",
    "kubectl": "wants a cluster",
    "alertname=RunOverdue": "test_runbook_runs.py",
    "FEATURE": "test_drift.py",
    "jobs/model.py": "test_own_model.py",
}
"""Commands that are not run here, by a part of them, and why."""


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    with walking(tmp_path_factory.mktemp("walk")) as walk:
        yield walk


@pytest.fixture
def well(walk: Walk) -> Walk:
    walk.be_well()
    return walk


def test_a_model_that_hangs(walk: Walk) -> None:
    walk.fires("ModelNotLoaded")
    assert '"model_loaded": "not_initialized"' in walk.runs("", "curl -s http://localhost:8000")
    walk.be_well()
    walk.ends("ModelNotLoaded")


def test_another_model_that_cannot_be_used(well: Walk) -> None:
    manifest = well.model / "manifest.json"
    good = json.loads(manifest.read_text("utf-8"))
    put(manifest, {**good, "version": "spoilt", "files": {"pipeline/nothing": "0" * 64}})
    well.runs("ModelRefused", "pkill")
    well.fires("ModelRefused")
    assert "pipeline/nothing is missing" in well.runs("ModelRefused", "jq")
    put(manifest, good)
    well.runs("ModelRefused", "pkill")
    well.ends("ModelRefused")


def put(manifest: Path, values: Mapping[str, object]) -> None:
    new = manifest.with_suffix(".new")
    new.write_text(json.dumps(values), "utf-8")
    new.replace(manifest)


def test_producers_that_are_silent(well: Walk) -> None:
    well.fires("LowThroughput")
    with load(well.job.broker, TOPICS.raw, 30):
        well.ends("LowThroughput")


def test_a_release_of_a_producer_that_breaks_the_contract(well: Walk) -> None:
    bad = ("DeadLetterBurst", "HighErrorRate", "BadRecordsBurnFast", "BadRecordsBurnSlow")
    good, broken = customer(), re.sub(rb'"tenure": \d+', b'"tenure": -1', customer())
    with coming(well.job.broker, TOPICS.raw, 20, good):
        time.sleep(30)  # of a past without any
        with coming(well.job.broker, TOPICS.raw, 20, broken):
            well.fires(*bad)
            assert "tenure" in well.runs("HighErrorRate", "jq").splitlines()[0]
            shown = well.runs("HighErrorRate", "kafka-console-consumer.sh")
            assert "tenure" in shown
            assert "source_offset" in shown
        well.ends(*bad)


def test_more_comes_in_than_the_query_takes_out(well: Walk) -> None:
    late = ("LateRecordsBurnFast", "LateRecordsBurnSlow")
    # A replay: so they need not wait here until they are late.
    with coming(well.job.broker, TOPICS.raw, 250, customer(), made=time.time() - 600):
        well.fires("ConsumerLagIncreasing", "LagNotDraining", *late)
    with coming(well.job.broker, TOPICS.raw, 20, customer()):
        well.ends("ConsumerLagIncreasing", "LagNotDraining", *late)


def test_records_that_kafka_deletes_too_early(well: Walk) -> None:
    publish(well.job.broker, TOPICS.raw, 3_000, partition=1)
    admin = AdminClient({"bootstrap.servers": well.job.broker})
    (deleted,) = admin.delete_records([TopicPartition(TOPICS.raw, 1, -1)]).values()
    deleted.result(30)
    well.fires("RecordsLost")
    assert well.metric("stream_records_lost_total", partition="1") > 1_000
    well.ends("RecordsLost")


def test_a_transaction_that_nobody_ends(well: Walk) -> None:
    patient = {"transactional.id": "forgotten", "transaction.timeout.ms": 900_000}
    producer = Producer({"bootstrap.servers": well.job.broker, **patient})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(TOPICS.raw, customer(), partition=0)
    assert producer.flush(30) == 0
    publish(well.job.broker, TOPICS.raw, 20, partition=0)
    well.fires("RecordsHeldBack")
    assert well.metric("stream_records_held_back") == 21
    shown = well.runs("RecordsHeldBack", tool("describe-producers"), TOPIC=TOPICS.raw)
    names, *rows = (line.split() for line in shown.splitlines())
    (row,) = (r for r in (dict(zip(names, row, strict=True)) for row in rows) if is_open(r))
    listed = well.runs("RecordsHeldBack", tool("list"))
    assert re.search(rf"forgotten\s+\d+\s+{row['ProducerId']}\s+Ongoing", listed)
    offset = row["CurrentTransactionStartOffset"]
    well.runs("RecordsHeldBack", tool("abort"), TOPIC=TOPICS.raw, OFFSET=offset)
    well.ends("RecordsHeldBack")
    soon(lambda: well.metric("kafka_consumer_lag") == 0, "what stood behind it")


def tool(verb: str) -> str:
    return f"kafka-transactions.sh --bootstrap-server HOST:9092 {verb}"


def is_open(row: dict[str, str]) -> bool:
    return row["CurrentTransactionStartOffset"] != "None"


def test_a_machine_that_lacks_cpu(well: Walk) -> None:
    publish_broken(well.job.broker, TOPICS.raw, 30, 700_000)
    with starved(well.process, run=0.05, rest=1.2):
        well.fires("HighProcessingLatency")
    well.ends("HighProcessingLatency")


def test_a_query_that_hangs(well: Walk) -> None:
    # Too little for the records, yet enough that the broker, which leaves a client out for as long
    # as what it has asked for would take, soon lets it in again.
    with quota(well, "consumer_byte_rate=2000"):
        publish(well.job.broker, TOPICS.raw, 500)
        well.fires("QueryHung", "QueryNotReady")
        assert health(well.url)[1]["query_progress"] == "fail"
        well.runs("QueryHung", "pkill")
        console = well.job.directory / CONSOLE
        soon(lambda: "KafkaConsumer.poll" in console.read_text(), "what it waits for")
    well.be_well()
    well.ends("QueryHung", "QueryNotReady")


def test_a_query_that_fails_again_and_again(well: Walk) -> None:
    with (
        coming(well.job.broker, TOPICS.raw, 20, customer()),
        no_directory(well.job.directory / "checkpoint" / "offsets"),
    ):
        well.fires("RestartsTooMany")
        assert "restart" in well.runs("", "grep")
    well.be_well()
    well.ends("RestartsTooMany")


def test_a_broker_that_is_gone(well: Walk) -> None:
    well.broker.stop()
    well.fires("ConsumerDisconnected")
    assert well.metric("stream_broker_poll_errors_total") > 0
    well.runs("ConsumerDisconnected", "timeout", code=1)
    well.broker.start()
    well.runs("ConsumerDisconnected", "timeout")
    well.ends("ConsumerDisconnected")


def test_a_disk_without_room_for_the_log(well: Walk) -> None:
    logs = well.job.directory / "logs"
    with full(logs), coming(well.job.broker, TOPICS.raw, 20, customer()):
        well.fires("LogLinesLost")
        assert "100%" in well.runs("LogLinesLost", "df")
        assert "drwx" in well.runs("LogLinesLost", "ls")
    well.ends("LogLinesLost")


def test_a_thread_of_the_telemetry_that_only_fails(well: Walk) -> None:
    switch = well.job.directory / "no-offsets"
    switch.touch()
    well.fires("TelemetryThreadDown")
    assert health(well.url)[1]["telemetry"] == "fail"
    assert "offsets that nobody understands" in well.runs("TelemetryThreadDown", "jq")
    switch.unlink()
    well.ends("TelemetryThreadDown")


def test_a_pushgateway_that_answers_nothing(well: Walk) -> None:
    (gateway,) = (one for one in well.monitoring._children if one.name == "pushgateway")
    gateway.send(signal.SIGSTOP)
    well.fires("PushesFail")
    well.runs("PushesFail", "curl", code=28)
    gateway.send(signal.SIGCONT)
    assert "200 OK" in well.runs("PushesFail", "curl")
    well.ends("PushesFail")


def test_a_replica_that_discovery_loses(well: Walk) -> None:
    port, prometheus = well.ports.job, well.monitoring.addresses["prometheus"]
    tell_of(well.targets, f"{LOOPBACK}:{port}", f"localhost:{port}")
    is_seen = f'kafka_consumer_info{{instance="localhost:{port}"}} offset 20s'
    soon(lambda: ask(prometheus, is_seen), is_seen)
    tell_of(well.targets, f"{LOOPBACK}:{port}")
    well.fires("ReplicaGone")
    assert f"localhost:{port}" not in well.runs("ReplicaGone", "curl")
    well.ends("ReplicaGone")


def test_records_that_vanish(well: Walk) -> None:
    with coming(well.job.broker, TOPICS.raw, 10, b"leak"):
        well.fires("RecordsUnaccounted")
    shown = well.runs("RecordsUnaccounted", ".venv/bin/python", code=1)
    assert re.search(r"^lost +[1-9]", shown, re.MULTILINE)


def test_a_job_that_is_killed(well: Walk) -> None:
    with load(well.job.broker, TOPICS.raw, 30):
        well.ends("StalePush", "JobDown")
        assert well.runs("JobDown", "pgrep")
        os.killpg(well.process.pid, signal.SIGKILL)
        well.fires("JobDown", "StalePush")
    assert well.runs("JobDown", "pgrep", code=1) == ""
    assert "connection refused" in well.runs("JobDown", "curl -s http://localhost:9090")
    well.runs("JobDown", "curl -s http://localhost:8000", code=7)
    well.runs("JobDown", "amtool", NAME="kafka_consumer")
    soon(lambda: is_silenced(well, "JobDown"), "the silence")
    well.runs("StalePush", "curl", GROUP="telco-churn-consumer")
    well.ends("StalePush")


def is_silenced(walk: Walk, name: str) -> bool:
    address = walk.monitoring.addresses["alertmanager"]
    with urlopen(f"{address}/api/v2/alerts?filter=alertname={name}", timeout=10) as answer:
        found = json.load(answer)
    return bool(found) and all(one["status"]["silencedBy"] for one in found)


def test_each_command_of_the_runbook_was_run() -> None:
    left = {one for one in commands() if not any(part in one for part in ELSEWHERE)}
    sys.stdout.write("".join(f"{one}\n" for one in sorted(left)))
    assert left == COMMANDS_RUN
