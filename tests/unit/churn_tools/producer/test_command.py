from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.producer.command import main
from churn_tools.producer.contract_validator import ContractValidator
from churn_tools.producer.feed import Inspector
from churn_tools.producer.publisher import Record
from churn_tools.producer.settings import read_settings
from telco_churn.errors import KafkaUnavailableError, SettingsError
from telco_churn.paths import read_schema

CONTRACT = read_schema("customer_event")


@pytest.fixture(autouse=True)
def own_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of its own."""
    monkeypatch.setenv("CHURN_STREAM_LOG_DIR", str(tmp_path / "logs"))


def test_defaults_are_those_of_the_documentation() -> None:
    settings = read_settings(["--synthetic", "5"], {})
    assert settings.kafka.broker == "localhost:9092"
    assert settings.sending.topic == "telco.raw.customers"
    assert settings.sending.batch_size == 500
    assert settings.sending.rate == 0
    assert settings.sending.validate


def test_broker_comes_from_the_environment_unless_given() -> None:
    words, environment = ["--synthetic", "5"], {"KAFKA_BOOTSTRAP_SERVERS": "kafka-1:9092"}
    assert read_settings(words, environment).kafka.broker == "kafka-1:9092"
    assert read_settings([*words, "--broker", "b:1"], environment).kafka.broker == "b:1"


def test_no_validate_sends_everything_and_the_last_word_counts() -> None:
    words = ["--synthetic", "5", "--no-validate"]
    assert not read_settings(words, {}).sending.validate
    assert read_settings([*words, "--validate"], {}).sending.validate


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "one of --csv FILE and --synthetic N is required"),
        (["--csv", __file__, "--synthetic", "1"], "and not both"),
        (["--synthetic", "-1"], "--synthetic: '-1' is not a whole number of at least 0"),
        (["--synthetic", "1.5"], "'1.5' is not a whole number"),
        (["--synthetic", "1", "--rate", "-1"], "'-1' is not a number of at least 0"),
        (["--synthetic", "1", "--rate", "inf"], "'inf' is not a number of at least 0"),
        (["--synthetic", "1", "--rate", "nan"], "'nan' is not a number of at least 0"),
        (["--synthetic", "1", "--rate", "fast"], "'fast' is not a number of at least 0"),
        (["--synthetic", "1", "--batch-size", "0"], "'0' is not a whole number of at least 1"),
        (["--synthetic", "1", "--bad-ratio", "1.01"], "'1.01' is not a number from 0 to 1"),
        (["--synthetic", "1", "--seed", "x"], "--seed: 'x' is not a whole number"),
        (["--synthetic", "1", "--log-level", "LOUD"], "'LOUD' is not a log level"),
        (["--synthetic", "1", "--checkpoint-file", "c"], "use it with --csv"),
        (["--synthetic", "1", "--rat", "5"], "unknown argument --rat; did you mean --rate"),
    ],
)
def test_wrong_option_is_one_line_that_says_what_is_wrong(
    arguments: Sequence[str], reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SettingsError) as failure:
        read_settings(arguments, {})
    assert reason in str(failure.value)
    assert "\n" not in str(failure.value)
    assert capfd.readouterr() == ("", "")


def test_refused_record_is_logged_with_its_fields_and_without_its_payload(
    caplog: pytest.LogCaptureFixture,
) -> None:
    event = {**next(synthetic_customers(1)), "gender": "canary-value"}
    with caplog.at_level(logging.WARNING, "kafka_producer"):
        assert not Inspector(ContractValidator(CONTRACT), "t").accepts(
            Record(b"key\x1b\xff", json.dumps(event).encode())
        )
    (line,) = caplog.records
    assert line.__dict__["event_type"] == "validation_failure"
    assert line.__dict__["error_type"] == "schema_validation"
    assert line.__dict__["message_id"] == "key\x1b\\xff"
    assert line.getMessage() == r"refused 'key\x1b\\xff': 'gender' breaks enum"
    assert "canary" not in str(line.__dict__)


def test_checkpoint_that_cannot_be_written_is_found_before_kafka_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "telco.csv"
    path.write_text(",".join(name for name in CONTRACT["properties"] if name != "event_ts"))
    nowhere = tmp_path / "none" / "at.json"
    with pytest.raises(SettingsError, match="cannot be written"):
        main(["--csv", str(path), "--checkpoint-file", str(nowhere), "--broker", "127.0.0.1:1"])


def test_dry_run_shows_three_events_and_counts_without_a_broker(
    capfd: pytest.CaptureFixture[str],
) -> None:
    main(["--synthetic", "400", "--bad-ratio", "0.1", "--dry-run", "--broker", "127.0.0.1:1"])
    output, errors = capfd.readouterr()
    *events, totals = output.splitlines()
    assert len(events) == 3
    assert all(ContractValidator(CONTRACT).violations(json.loads(event)) == [] for event in events)
    valid, invalid = int(totals.split()[2]), int(totals.split()[4])
    assert valid + invalid == 400
    assert invalid == pytest.approx(40, abs=25)
    assert totals.endswith("nothing sent")
    # At most ten a second of lines about single records, and it takes less than two.
    assert 10 <= len(errors.splitlines()) <= 20


def test_dry_run_without_end_checks_one_batch(capfd: pytest.CaptureFixture[str]) -> None:
    main(["--synthetic", "0", "--batch-size", "7", "--dry-run"])
    assert capfd.readouterr().out.endswith("dry run: 7 valid, 0 invalid, nothing sent\n")


def test_unreachable_broker_is_one_line_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KafkaUnavailableError, match=r"no Kafka broker answers at 127\.0\.0\.1:1"):
        main(["--synthetic", "1", "--broker", "127.0.0.1:1"])
    assert capfd.readouterr() == ("", "")
