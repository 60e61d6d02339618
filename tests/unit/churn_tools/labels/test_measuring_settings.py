from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from churn_kind import CONTRACTS

from churn_tools.labels.label_kind import read_label_kind
from churn_tools.labels.settings import COMMAND, MeasuringSettings
from churn_tools.producer.contract_validator import ContractValidator
from stream_telemetry.options import OwnOptions, options_of
from telco_churn.errors import SettingsError
from telco_churn.paths import project_home, read_schema
from telco_churn.rights.page import programs
from telco_churn.settings.flags import sections_of
from telco_churn.settings.resolve import read


def settings(*arguments: str, **environment: str) -> MeasuringSettings:
    return read(MeasuringSettings, COMMAND, arguments, environment)


def test_what_must_differ_from_the_job_s_is_not_taken_from_it() -> None:
    found = settings(CHURN_STREAM_METRICS_PORT="9000", CHURN_STREAM_CHECKPOINT="/job")
    assert found.exporter.metrics_port == 8001
    assert found.checkpoint.checkpoint == "checkpoints/labels"
    assert found.group.consumer_group == "telco-churn-labels"


def test_what_both_must_agree_in_is_the_job_s() -> None:
    found = settings(CHURN_STREAM_OUTPUT_TOPIC="answers", KAFKA_BOOTSTRAP_SERVERS="kafka:9092")
    assert found.read_topics == ("answers", "telco.churn.labels")
    assert found.kafka.broker == "kafka:9092"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--trigger", "realtime"), "Spark joins no streams"),
        (("--label-window", "month"), "90m, 24h or 30d"),
        (("--label-delay", "0s"), "90m, 24h or 30d"),
        (("--starting-offsets", "{}"), "earliest, latest"),
        (("--labels-topic", "a", "--output-topic", "a"), "--labels-topic a is the topic of pred"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple[str, ...], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        settings(*arguments)


def test_the_page_of_rights_has_the_topic_and_the_group_that_are_the_defaults() -> None:
    _, rights = programs()["`jobs/measure_accuracy.py`"]
    found = settings()
    assert {right.name for right in rights} == {*found.read_topics, found.group.consumer_group}


def test_a_contract_without_labels_is_named(tmp_path: Path) -> None:
    (tmp_path / "prediction.json").write_text((CONTRACTS / "prediction.json").read_text())
    with pytest.raises(SettingsError, match=r"label\.json cannot be read"):
        read_label_kind(tmp_path)


def test_a_label_needs_no_time_of_its_own(tmp_path: Path) -> None:
    label = (CONTRACTS / "label.json").read_text()
    (tmp_path / "label.json").write_text(label.replace('"x-role": "time",', ""))
    (tmp_path / "prediction.json").write_text((CONTRACTS / "prediction.json").read_text())
    assert set(read_label_kind(tmp_path).names) == {"id", "label"}


def test_the_page_has_each_option_of_its_own_with_its_default() -> None:
    page = (project_home() / "docs" / "labels.md").read_text("utf-8")
    own = (part for part in sections_of(MeasuringSettings).values() if issubclass(part, OwnOptions))
    rows = [
        f"| `{option.flag}` | `{option.default}` | {option.help} |"
        for part in own
        for option in options_of(part)
    ]
    assert re.findall(r"^\| `--.*$", page, re.M) == rows


def test_a_label_of_the_page_follows_its_contract() -> None:
    page = (project_home() / "docs" / "labels.md").read_text("utf-8")
    (label,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    assert ContractValidator(read_schema("label")).violations(json.loads(label)) == []
