"""The job's plan with contracts and a model that have nothing to do with churn."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

import pytest
from confluent_kafka import Message
from examples.loans.applications import BROKEN_ONE_IN, applications, events
from jsonschema import Draft202012Validator
from mutations import mutated
from plans import expressions, job_plan, optimized, projections, watched_pipeline
from pyspark.sql import Row, SparkSession

from churn_tools.producer.contract_validator import ContractValidator
from churn_tools.training.data import csv_columns, read_customers
from churn_tools.training.fit import train
from churn_tools.training.saving import save_model
from telco_churn.contract.parser import EventParser
from telco_churn.model.loading import Model, load_model
from telco_churn.outcome.log_lines import RecordLines
from telco_churn.outcome.message_ids import plain_id
from telco_churn.paths import project_home, read_document
from telco_churn.record.kind import RecordKind, read_kind

CONTRACTS = project_home() / "examples" / "loans" / "contracts"
LOANS = read_kind(CONTRACTS)
PREDICTION = read_document(CONTRACTS / "prediction.json")
EVENT = read_document(CONTRACTS / "loan_event.json")
KAFKA_COLUMNS = (
    "key BINARY, value BINARY, topic STRING, partition INT, offset BIGINT, timestamp TIMESTAMP, "
    "headers ARRAY<STRUCT<key: STRING, value: BINARY>>"
)
LEARNT_FROM = 600
MUTATED = 3_000


@pytest.fixture(scope="module")
def model(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Fitted to made-up applications by the code that fits the customers' model."""
    directory = tmp_path_factory.mktemp("loans")
    with (directory / "loans.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, csv_columns(LOANS), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(islice(applications(1), LEARNT_FROM))
    rows = read_customers(spark, directory / "loans.csv", LOANS)
    trained = train(rows, LOANS, seed=1, version="loans-1", description="a test")
    save_model(trained.pipeline, trained.manifest, directory / "model")
    return load_model(directory / "model")


def outcomes(
    spark: SparkSession, model: Model, sent: Iterable[tuple[bytes | None, bytes]]
) -> list[Row]:
    """What the job writes for these keys and values."""
    at = datetime(2026, 1, 1)
    rows = [(key, value, "raw", 0, offset, at, None) for offset, (key, value) in enumerate(sent)]
    return (
        watched_pipeline(model, LOANS)
        .transform(spark.createDataFrame(rows, KAFKA_COLUMNS))
        .collect()
    )


def application(**changes: object) -> tuple[bytes, bytes]:
    usual = {**next(applications(3)), "employment": "employed", **changes}
    return b"key", json.dumps({k: v for k, v in usual.items() if v is not None}).encode()


def risks(spark: SparkSession, model: Model, *changes: Mapping[str, object]) -> list[float]:
    found = outcomes(spark, model, [application(**change) for change in changes])
    assert {row.topic for row in found} == {"predictions"}, found
    return [json.loads(row.value)["default_risk"] for row in found]


def test_each_application_is_decided_or_refused_as_its_contract_asks(
    spark: SparkSession, model: Model
) -> None:
    sent = list(islice(events(2), 6 * BROKEN_ONE_IN))
    found = outcomes(spark, model, sent)
    referee, answers = ContractValidator(EVENT), Draft202012Validator(PREDICTION)
    for (key, value), row in zip(sent, found, strict=True):
        is_valid = not referee.violations(json.loads(value))
        answer = json.loads(row.value)
        assert (row.topic, bytes(row.key)) == ("predictions" if is_valid else "dead letters", key)
        if not is_valid:
            assert answer["original_message"] == value.decode()
            continue
        answers.validate(answer)
        assert list(answer) == list(PREDICTION["properties"])
        assert (answer["loan_id"], answer["model"]) == (key.decode(), "loans-1")
        assert answer["applied_at"] == json.loads(value)["applied_at"]
        is_risky = answer["default_risk"] >= model.manifest.threshold
        assert answer["decision"] == ("refuse" if is_risky else "grant")
    assert sum(row.topic == "dead letters" for row in found) == 6


def test_the_model_is_compiled_and_has_learnt_what_makes_a_default(
    spark: SparkSession, model: Model
) -> None:
    assert model.is_compiled
    assert model.manifest.evaluation is not None
    assert model.manifest.evaluation.auc > 0.7
    good, bad = risks(
        spark,
        model,
        {"missed_payments": 0, "purpose": "home"},
        {"missed_payments": 5, "purpose": "business"},
    )
    assert good < bad


def test_text_and_blank_count_as_the_numbers_that_the_contract_says(
    spark: SparkSession, model: Model
) -> None:
    number, text, blank, blanks, other = risks(
        spark, model, *({"credit_score": score} for score in (600, "600", "", "  ", 601))
    )
    assert number == text == blank == blanks != other


def test_a_category_may_be_missing_or_new_and_unknown_fields_are_passed_over(
    spark: SparkSession, model: Model
) -> None:
    with_it, without, more, new = risks(
        *(spark, model, {}, {"employment": None}, {"remark": {"a": [1, "x"]}}, {"region": "ZZ"})
    )
    assert with_it == more
    assert with_it != without
    assert 0 < new < 1


@pytest.mark.parametrize("kind", [LOANS, replace(LOANS, label=None)], ids=["label", "no label"])
def test_the_plan_is_no_larger_than_that_of_the_customers(
    spark: SparkSession, model: Model, kind: RecordKind
) -> None:
    records = spark.createDataFrame([], KAFKA_COLUMNS)
    of_loans = optimized(watched_pipeline(model, kind).transform(records))
    shipped = job_plan(spark, load_model(project_home() / "models" / "churn"))
    assert projections(of_loans) == projections(shipped)
    assert expressions(of_loans) < expressions(shipped)


def test_the_verdict_is_that_of_jsonschema(spark: SparkSession) -> None:
    sent = list(mutated(islice(applications(4), MUTATED), seed=4))
    records = spark.createDataFrame(
        [(None, bytearray(message), None) for message in sent],
        "key binary, value binary, headers array<struct<key:string,value:binary>>",
    )
    checked = records.transform(EventParser(LOANS.event).checked)
    refused = [bool(row.violations) for row in checked.select("violations").collect()]
    referee = ContractValidator(EVENT)

    def is_refused(message: bytes) -> bool:
        try:
            return bool(referee.violations(referee.parse(message)))
        except ValueError:
            return True

    wrong = [m for m, ours in zip(sent, refused, strict=True) if ours != is_refused(m)]
    assert wrong == []
    assert MUTATED * 0.3 < sum(refused) < MUTATED * 0.7


def test_a_line_of_the_log_has_the_names_of_the_contract() -> None:
    lines = RecordLines("raw", plain_id, LOANS.event.schema.fieldNames(), LOANS)
    headers: list[tuple[str, str | bytes | None]] = [
        *(("source_topic", b"raw"), ("source_partition", b"0"), ("source_offset", b"7")),
    ]

    def message(value: dict[str, Any]) -> Message:
        return Message(value=json.dumps(value).encode(), headers=headers)

    line = lines.prediction(
        message({"loan_id": "L-000001", "decision": "grant", "default_risk": 0.25})
    )
    assert line.message == "decision grant, default risk 0.2500"
    assert line.fields["message_id"] == "L-000001"
    assert (line.fields["decision"], line.fields["default_risk"]) == (0, 0.25)
    broken = json.dumps({"loan_id": "L-000002", "amount": 7})
    letter = {
        "error_type": "validation_error",
        "original_message": broken,
        "validation_errors": [{"field": "amount", "code": "out_of_range"}],
    }
    line = lines.dead_letter(message(letter))
    assert line.message == "raw-0-7 amount: out_of_range"
    assert line.fields["message_id"] == "L-000002"
