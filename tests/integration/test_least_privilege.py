"""Each program on a broker that allows it exactly what docs/security.md says, and less."""

from __future__ import annotations

import json
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from guarded_broker import GuardedBroker, guarded_broker
from job import HOME, Job, user_lines, wait_until
from load import publish
from measuring import log_lines, measuring, send_labels
from publishing import running_job
from scrape import scrape
from verifying import assert_all_accounted, verify

from sandbox.kafka.topics import CustomerTopics, create_topics
from sandbox.ports import free_port
from stream_telemetry.broker.offsets import BrokerOffsets
from telco_churn.query.settings import GroupSettings, TopicSettings
from telco_churn.query.topic_checks import check_topics
from telco_churn.rights.missing import RightsWatch
from telco_churn.rights.needed import (
    DESCRIBE_CONFIGS,
    Right,
    rights_of_job,
    rights_of_measuring,
    rights_of_producer,
    rights_of_replay,
    rights_of_verifier,
)

TOPICS = CustomerTopics("raw", "predictions", "dead")
NAMES = TopicSettings(input_topic="raw", output_topic="predictions", deadletter_topic="dead")
GROUP = GroupSettings(consumer_group="scorers")
MEASURERS = GroupSettings(consumer_group="measurers")
JOB = rights_of_job(NAMES, GROUP, NAMES.outputs)
RIGHTS = {
    "churn-job": JOB,
    "churn-producer": rights_of_producer("raw"),
    "churn-verifier": rights_of_verifier(NAMES),
    "churn-replay": rights_of_replay(NAMES, "dead.sent"),
    "churn-labels": rights_of_measuring(("predictions", "labels"), MEASURERS),
}
ENOUGH_SECONDS = 30.0


def called(right: Right) -> str:
    return f"{right.operation}-{right.name}"


def named(right: Right) -> str:
    """What every line about a missing right says."""
    return f"may not {right.operation} {right.kind} {right.name}"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBroker]:
    with guarded_broker(tmp_path_factory.mktemp("guarded"), [*RIGHTS]) as broker:
        TOPICS.create(broker.broker.bootstrap_servers)
        compacted = {"cleanup.policy": "compact"}
        create_topics(broker.broker.bootstrap_servers, {"dead.sent": 1}, compacted)
        create_topics(broker.broker.bootstrap_servers, {"labels": 1})
        for user, rights in RIGHTS.items():
            broker.give(user, rights)
        yield broker


def job_of(guarded: GuardedBroker, directory: Path) -> tuple[Job, tuple[str, ...]]:
    access = (*guarded.options("churn-job"), "--consumer-group", GROUP.consumer_group)
    return Job(directory, guarded.servers, TOPICS), access


def run_producer(
    guarded: GuardedBroker, directory: Path, count: int, bad: float
) -> subprocess.CompletedProcess[str]:
    access = guarded.options("churn-producer")[2:]
    made = ("--synthetic", str(count), "--bad-ratio", str(bad), "--no-validate")
    log = ("--log-dir", str(directory), "--log-level", "WARNING")
    with running_job(guarded.servers, "raw", *access, *made, *log) as process:
        out, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, errors)


def warnings(directory: Path) -> list[str]:
    log = directory / "logs" / "kafka_consumer.log"
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    # Of records that are refused there are lines too, and of being behind, where a machine is busy.
    return [
        line["message"]
        for line in lines
        if line["level"] in ("WARNING", "ERROR")
        and "event_type" not in line
        and not line["message"].startswith("health: lagging")
    ]


@dataclass(frozen=True)
class Run:
    """A job that was allowed what it needs, and what was seen of it.

    Attributes:
        sent: the producer's end.
        ended: the job's exit code.
        directory: what it has written.
        before: names and labels of its metrics after the first records.
        after: the same, after thousands that were broken in every way.
        open_to_all: temporary files of its that everybody could write, while it ran.
    """

    sent: subprocess.CompletedProcess[str]
    ended: int
    directory: Path
    before: set[tuple[str, ...]]
    after: set[tuple[str, ...]]
    open_to_all: set[Path]

    def settings_of_clients(self, name: str) -> set[str]:
        """The values that Kafka's clients in the JVM have for a setting, as they log them."""
        log = (self.directory / "logs/spark.log").read_text("utf-8")
        messages = (json.loads(line)["message"] for line in log.splitlines())
        shown = rf"^\t{re.escape(name)} = (.*)$"
        return {value for text in messages for value in re.findall(shown, text, re.MULTILINE)}


BROKEN = 2_000


@pytest.fixture(scope="module")
def run(guarded: GuardedBroker, tmp_path_factory: pytest.TempPathFactory) -> Run:
    directory, port = tmp_path_factory.mktemp("run"), free_port()
    job, access = job_of(guarded, directory)
    temporary = directory / "temporary"
    temporary.mkdir()
    open_to_all: set[Path] = set()

    def read(count: int) -> bool:
        open_to_all.update(path for path in temporary.rglob("*") if everybody_writes(path))
        found = scrape(f"http://127.0.0.1:{port}")
        return found is not None and found.total("stream_records_read_total") == count

    more = ("--trigger", "1 second", "--metrics-port", str(port))
    environment = {**job.environment, "TMPDIR": str(temporary)}
    environment["SPARK_SUBMIT_OPTS"] += f" -Djava.io.tmpdir={temporary} {log_of_clients(directory)}"
    with job.running(*access, *more, environment=environment) as process:
        sent = run_producer(guarded, directory / "producer", 50, 0.2)
        wait_until(lambda: read(50), process)
        # A look at the topics after the first batch shows the rights, too.
        wait_until(lambda: any("stream_right" in name for name, *_ in series(port)), process)
        before = series(port)
        run_producer(guarded, directory / "producer", BROKEN, 1.0)
        wait_until(lambda: read(50 + BROKEN), process)
        after = series(port)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=90)
    return Run(sent, process.returncode, directory, before, after, open_to_all)


def log_of_clients(directory: Path) -> str:
    """The flag for a log in which Kafka's clients tell their settings."""
    text = (HOME / "conf/log4j2.properties").read_text("utf-8")
    for kind in ("consumer.Consumer", "producer.Producer"):
        name = f"logger.{kind[0]}"
        text += f"{name}.name = org.apache.kafka.clients.{kind}Config\n{name}.level = info\n"
    path = directory / "log4j2.properties"
    path.write_text(text, "utf-8")
    return f"-Dlog4j2.configurationFile={path}"


def everybody_writes(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return not stat.S_ISLNK(mode) and bool(mode & stat.S_IWOTH)


def series(port: int) -> set[tuple[str, ...]]:
    found = scrape(f"http://127.0.0.1:{port}")
    assert found is not None
    return {(one.name, *map("=".join, sorted(one.labels.items()))) for one in found.samples}


def test_exactly_these_rights_are_enough_for_all(guarded: GuardedBroker, run: Run) -> None:
    assert guarded.rules() == {
        (f"User:{user}", r.operation, r.kind, r.name)
        for user, rights in RIGHTS.items()
        for r in rights
    }
    assert run.sent.returncode == 0, run.sent.stderr
    assert run.ended == 0
    assert warnings(run.directory) == []
    figures = assert_all_accounted(guarded.servers, TOPICS, *guarded.options("churn-verifier")[2:])
    assert figures["read"] == 50 + BROKEN
    assert figures["predictions"] > 0
    log = (run.directory / "logs/kafka_consumer.log").read_text("utf-8")
    assert '"event_type": "message_processed"' in log
    assert '"event_type": "validation_failure"' in log
    offsets = BrokerOffsets("raw", GROUP.consumer_group, guarded.way_in("churn-job").client)
    assert sum(offsets.committed().values()) == 50 + BROKEN
    offsets.close()


def test_no_record_makes_a_metric_of_its_own(run: Run) -> None:
    assert run.after == run.before


def test_spark_reads_under_groups_of_its_own(run: Run) -> None:
    groups = run.settings_of_clients("group.id")
    assert groups
    assert all(group.startswith(f"{GROUP.consumer_group}-") for group in groups)


def test_the_producer_waits_for_all_replicas_and_repeats_nothing(run: Run) -> None:
    # Kafka's own number for all.
    assert run.settings_of_clients("acks") == {"-1"}
    assert run.settings_of_clients("enable.idempotence") == {"true"}


def test_temporary_files_are_written_by_their_owner_alone(run: Run) -> None:
    assert run.open_to_all == set()


NEEDED = [right for right in JOB if right.is_needed]
OTHERS = [right for right in JOB if not right.is_needed]


@pytest.mark.parametrize("right", NEEDED, ids=called)
def test_the_job_does_not_start_without_a_right_that_it_needs(
    guarded: GuardedBroker, tmp_path: Path, right: Right
) -> None:
    job, access = job_of(guarded, tmp_path)
    with guarded.without("churn-job", right):
        began = time.monotonic()
        result = job.run_without_jvm(*access)
        assert time.monotonic() - began < ENOUGH_SECONDS
    assert result.returncode == 4
    (line,) = user_lines(result)
    assert f"user churn-job {named(right)}" in line
    assert right.command(guarded.servers, "churn-job") in line


@pytest.mark.parametrize("right", OTHERS, ids=called)
def test_the_job_is_told_of_a_right_that_it_can_do_without(
    guarded: GuardedBroker, right: Right, caplog: pytest.LogCaptureFixture
) -> None:
    kafka = guarded.way_in("churn-job")
    assert check_topics(kafka, NAMES, JOB).lacking == ()
    with guarded.without("churn-job", right):
        found = check_topics(kafka, NAMES, JOB)
    assert found.lacking == (right,)
    RightsWatch(kafka.client, JOB, found.lacking).tell()
    lines = [record.getMessage() for record in caplog.records]
    # Of the settings the check that asks for them tells by itself.
    assert len(lines) == (right.operation != DESCRIBE_CONFIGS)
    assert all(named(right) in line and right.without in line for line in lines)


def test_the_producer_says_which_right_it_has_not(guarded: GuardedBroker, tmp_path: Path) -> None:
    (right,) = RIGHTS["churn-producer"]
    with guarded.without("churn-producer", right):
        result = run_producer(guarded, tmp_path, 1, 0)
    assert result.returncode == 4
    assert f"user churn-producer {named(right)}; allow it with: kafka-acls.sh" in result.stderr


@pytest.mark.parametrize("right", RIGHTS["churn-verifier"], ids=called)
def test_the_verifier_says_which_right_it_has_not(guarded: GuardedBroker, right: Right) -> None:
    with guarded.without("churn-verifier", right):
        _, result = verify(guarded.servers, TOPICS, *guarded.options("churn-verifier")[2:])
    assert f"user churn-verifier {named(right)}" in result.stderr
    assert result.returncode == 4 if right.is_needed else result.returncode in (0, 1)


def replayed(guarded: GuardedBroker, *options: str) -> subprocess.CompletedProcess[str]:
    access = (*guarded.options("churn-replay"), "--input-topic", "raw", "--output-topic")
    topics = ("predictions", "--deadletter-topic", "dead")
    return subprocess.run(
        [sys.executable, str(HOME / "jobs/replay_dead_letters.py"), *access, *topics, *options],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.usefixtures("run")
def test_dead_letters_are_sent_again_with_exactly_these_rights(guarded: GuardedBroker) -> None:
    result = replayed(guarded, "--yes")
    assert (result.returncode, result.stderr) == (0, "")
    assert "sent" in result.stdout
    again = replayed(guarded)
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.parametrize("right", RIGHTS["churn-replay"], ids=called)
def test_the_replay_says_which_right_it_has_not(guarded: GuardedBroker, right: Right) -> None:
    with guarded.without("churn-replay", right):
        result = replayed(guarded, "--yes")
    assert f"user churn-replay {named(right)}" in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.returncode == (4 if right.is_needed else 0)


def measured(guarded: GuardedBroker, directory: Path) -> tuple[int, str]:
    job, access = Job(directory, guarded.servers, TOPICS), guarded.options("churn-labels")
    group = ("--consumer-group", MEASURERS.consumer_group)
    with measuring(job, "labels", *access, *group, "--trigger", "once") as run:
        out, _ = run.process.communicate(timeout=180)
    return run.process.returncode, out


@pytest.mark.slow
def test_labels_are_judged_with_exactly_these_rights(
    guarded: GuardedBroker, tmp_path: Path
) -> None:
    label = {"customerID": "0000-AAAAA", "Churn": "Yes"}
    send_labels(Job(tmp_path, guarded.broker.bootstrap_servers, TOPICS), "labels", [label])
    code, out = measured(guarded, tmp_path)
    assert code == 0, out
    assert [line for line in log_lines(tmp_path) if line["level"] != "INFO"] == []


@pytest.mark.slow
@pytest.mark.parametrize("right", RIGHTS["churn-labels"], ids=called)
def test_who_judges_labels_says_which_right_is_missing(
    guarded: GuardedBroker, tmp_path: Path, right: Right
) -> None:
    with guarded.without("churn-labels", right):
        code, out = measured(guarded, tmp_path)
    assert code == (4 if right.is_needed else 0), out
    assert f"user churn-labels {named(right)}" in out


@pytest.mark.slow
@pytest.mark.parametrize("right", OTHERS, ids=called)
def test_the_job_runs_without_a_right_that_it_can_do_without_and_says_so_once(
    guarded: GuardedBroker, tmp_path: Path, right: Right
) -> None:
    job, access = job_of(guarded, tmp_path)
    publish(guarded.broker.bootstrap_servers, "raw", 5)
    with guarded.without("churn-job", right):
        result = job.run(*access, "--trigger", "once")
    assert result.returncode == 0, result.stderr
    told = [line for line in warnings(tmp_path) if right.name in line and right.operation in line]
    assert len(told) == 1, warnings(tmp_path)


@pytest.mark.slow
def test_neither_log_nor_progress_needs_a_right_of_its_own_once_it_is_off(
    guarded: GuardedBroker, tmp_path: Path
) -> None:
    job, access = job_of(guarded, tmp_path)
    publish(guarded.broker.bootstrap_servers, "raw", 5)
    needless = [right for right in OTHERS if right.only]
    assert {right.only for right in needless} == {
        "--log-lines-per-second off",
        "--commit-progress off",
    }
    for right in needless:
        guarded.take("churn-job", right)
    try:
        off = [word for right in needless[1:] for word in right.only.split()]
        result = job.run(*access, *off, "--trigger", "once")
    finally:
        guarded.give("churn-job", needless)
    assert result.returncode == 0, result.stderr
    assert warnings(tmp_path) == []


@pytest.mark.slow
def test_rights_that_are_taken_away_while_the_job_runs_are_named(
    guarded: GuardedBroker, tmp_path: Path
) -> None:
    job, access = job_of(guarded, tmp_path)
    servers, port = guarded.broker.bootstrap_servers, free_port()
    more = ("--trigger", "1 second", "--metrics-port", str(port))

    def missing(right: Right) -> float:
        found = scrape(f"http://127.0.0.1:{port}")
        labels = {"right": right.operation, "resource": right.name}
        return found.total("stream_right_missing", **labels) if found else 0.0

    of_topics = [right for right in OTHERS if right.kind == "topic"]
    taken: list[Right] = []
    try:
        with job.running(*access, *more) as process:
            publish(servers, "raw", 5)
            wait_until(lambda: "batch 0" in said(tmp_path), process)
            for right in of_topics:
                guarded.take("churn-job", right)
                taken.append(right)
                began = time.monotonic()
                wait_until(lambda: missing(right) == 1, process)  # noqa: B023
                assert time.monotonic() - began < ENOUGH_SECONDS
            assert "may not Read topic predictions" in said(tmp_path)
            assert "may not Read topic dead" in said(tmp_path)
            guarded.give("churn-job", [taken.pop(0)])
            wait_until(lambda: missing(of_topics[0]) == 0, process)
            (needed,) = (right for right in NEEDED if right.name == "predictions")
            guarded.take("churn-job", needed)
            taken.append(needed)
            # It is seen before there is anything to write.
            wait_until(lambda: named(needed) in said(tmp_path), process)
            publish(servers, "raw", 50)
            told, _ = process.communicate(timeout=120)
        assert process.returncode == 5, told
        assert f"user churn-job {named(needed)}" in told
    finally:
        guarded.give("churn-job", taken)


def said(directory: Path) -> str:
    log = directory / "logs" / "kafka_consumer.log"
    return log.read_text("utf-8") if log.exists() else ""
