"""Records that have nothing to do with churn, scored by the same job with settings alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from churn_kind import CONTRACTS
from job import HOME, Job, user_lines
from jsonschema import Draft202012Validator
from saved_models import SHIPPED
from verifying import assert_all_accounted

from churn_tools.producer.contract_validator import ContractValidator
from sandbox.kafka.read_back import answered, read_topic
from sandbox.kafka.topics import CustomerTopics
from stream_telemetry.broker.read import RecordAddress, object_of
from telco_churn.paths import read_document

LOANS = HOME / "examples" / "loans" / "contracts"
PAGE = (HOME / "docs" / "contracts.md").read_text("utf-8")
SENT, BROKEN = 1_000, 50


def commands() -> list[str]:
    (block,) = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    return [line.removeprefix("$ ") for line in block.splitlines()]


@dataclass(frozen=True)
class Walk:
    """The page's commands, with the names that a test gives to what they use."""

    directory: Path
    broker: str
    topics: CustomerTopics

    def run(self, command: str, *more: str) -> subprocess.CompletedProcess[str]:
        names = {
            "localhost:9092": self.broker,
            "loans.raw": self.topics.raw,
            "loans.decisions": self.topics.predictions,
            "loans.deadletter": self.topics.dead_letters,
            "loans.csv": str(self.directory / "loans.csv"),
            "/srv/loans": str(self.directory),
        }
        for name, own in names.items():
            command = command.replace(name, own)
        job = Job(self.directory, self.broker, self.topics)
        return subprocess.run(
            ["bash", "-c", " ".join([command, *more])],
            env={
                **job.environment,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(HOME / "lib"),
                "CHURN_STREAM_LOG_DIR": str(self.directory / "logs"),
                "CHURN_STREAM_RUN_LOG_DIR": str(self.directory / "artifacts"),
                "CHURN_STREAM_METRICS_PORT": "off",
            },
            cwd=HOME,
            capture_output=True,
            text=True,
            timeout=240,
        )


@pytest.fixture
def walk(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Iterator[Walk]:
    yield Walk(tmp_path, broker, topic_names)
    shutil.rmtree(tmp_path / "model", ignore_errors=True)


@pytest.mark.slow
def test_the_commands_of_the_page_score_loans_from_end_to_end(walk: Walk) -> None:
    rows, fit, send, score, verify = commands()
    for command in (rows, fit, send):
        result = walk.run(command)
        assert result.returncode == 0, result.stderr
    tried = walk.run(score, "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert f"contract = {LOANS.relative_to(HOME)}\n" in tried.stdout
    for command in (score, verify):
        result = walk.run(command)
        assert result.returncode == 0, result.stderr
    broker, topics = walk.broker, walk.topics
    figures = assert_all_accounted(broker, topics, "--expected", str(SENT))
    assert (figures["predictions"], figures["dead letters"]) == (SENT - BROKEN, BROKEN)
    assert_each_is_answered_as_its_contract_asks(broker, topics)
    assert_dead_letters_are_judged_by_their_own_contract(walk)
    assert_each_has_its_line(walk.directory / "logs" / "kafka_consumer.log")


def assert_each_is_answered_as_its_contract_asks(broker: str, topics: CustomerTopics) -> None:
    sent = {RecordAddress.of(m): m for m in read_topic(broker, topics.raw)}
    referee = ContractValidator(read_document(LOANS / "loan_event.json"))
    predictions = Draft202012Validator(read_document(LOANS / "prediction.json"))
    letters = Draft202012Validator(read_document(CONTRACTS / "dead_letter.json"))
    for message in read_topic(broker, topics.predictions):
        event = ContractValidator.parse(sent[answered(message)].value())
        assert referee.violations(event) == []
        predictions.validate(object_of(message))
    for message in read_topic(broker, topics.dead_letters):
        letter, source = object_of(message), sent[answered(message)]
        letters.validate(letter)
        assert letter["original_message"].encode() == source.value()
        broken = referee.violations(ContractValidator.parse(source.value()))
        assert {v["field"] for v in letter["validation_errors"]} == {field for field, _ in broken}


def assert_dead_letters_are_judged_by_their_own_contract(walk: Walk) -> None:
    given = "--contract examples/loans/contracts --broker localhost:9092 --input-topic loans.raw"
    more = "--output-topic loans.decisions --deadletter-topic loans.deadletter --field amount"
    result = walk.run(f"python jobs/replay_dead_letters.py {given} {more}")
    assert result.returncode == 0, result.stderr
    fields = [
        [violation["field"] for violation in object_of(message)["validation_errors"]]
        for message in read_topic(walk.broker, walk.topics.dead_letters)
    ]
    assert 0 < fields.count(["amount"]) < BROKEN
    for figure in ("meant", "in disorder"):
        assert re.search(rf"^\s*{figure} +{fields.count(['amount'])}\b", result.stdout, re.M)


def assert_each_has_its_line(log: Path) -> None:
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    scored = [line for line in lines if line.get("event_type") == "message_processed"]
    refused = [line for line in lines if line.get("event_type") == "validation_failure"]
    assert (len(scored), len(refused)) == (SENT - BROKEN, BROKEN)
    assert all(re.fullmatch(r"L-\d{6}", line["message_id"]) for line in scored + refused)
    assert {line["decision"] for line in scored} == {0, 1}
    assert all(0 <= line["default_risk"] <= 1 for line in scored)
    assert not [line for line in lines if "prediction" in line or "churn_probability" in line]


def refusal(result: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    (line,) = user_lines(result)
    return result.returncode, line


def test_a_contract_without_an_id_is_one_line_before_anything_is_asked(tmp_path: Path) -> None:
    contracts = Path(shutil.copytree(LOANS, tmp_path / "contracts"))
    event = contracts / "loan_event.json"
    event.write_text(event.read_text().replace('"x-role": "id",', ""))
    job = Job(tmp_path, "127.0.0.1:1", CustomerTopics())
    code, line = refusal(job.run_without_jvm("--contract", str(contracts)))
    said = f"contract {event}: no property has x-role 'id'; give it to one of type string"
    assert (code, line) == (2, f"churn_stream: {said}")


def test_a_model_of_other_events_is_one_line_before_anything_is_asked(tmp_path: Path) -> None:
    job = Job(tmp_path, "127.0.0.1:1", CustomerTopics())
    given = ("--contract", str(LOANS), "--model-path", str(SHIPPED))
    code, line = refusal(job.run_without_jvm(*given))
    assert code == 3
    assert line.startswith(
        f"churn_stream: contract {LOANS / 'loan_event.json'}: has no property Contract, which the "
        "model reads as text; take a model that was fitted to such events (--model-path)"
    )
