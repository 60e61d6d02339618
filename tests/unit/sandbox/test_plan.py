"""What a sandbox run is to do, from one command line that also holds the job's options."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.plan import Plan, parse_plan
from telco_churn.errors import ChurnStreamError, SettingsError


def plan(*words: str, **environment: str) -> Plan:
    return parse_plan(["--sandbox", *words], environment)


def test_without_a_word_it_streams_fifty_events_a_second_with_one_broken_in_a_hundred() -> None:
    made = plan()
    assert (made.feed.rate, made.feed.events, made.feed.bad_ratio) == (50.0, None, 0.01)
    assert not made.is_once


@pytest.mark.parametrize("words", [["--trigger", "once"], ["--trigger=Once"]])
def test_a_trigger_of_the_job_decides_whether_it_runs_once(words: list[str]) -> None:
    assert plan(*words).is_once


def test_the_environment_counts_as_it_does_for_the_job() -> None:
    assert plan(CHURN_STREAM_TRIGGER="once").is_once
    assert not plan("--trigger", "2 seconds", CHURN_STREAM_TRIGGER="once").is_once


def test_a_login_is_asked_for_where_that_is_wanted(tmp_path: Path) -> None:
    assert not plan(CHURN_STREAM_KAFKA_CONFIG=str(tmp_path / "none")).is_secure
    assert plan("--secure").is_secure


@pytest.mark.parametrize(("words", "events"), [([], 1000), (["--events", "30"], 30)])
def test_a_run_that_ends_feeds_a_thousand_events_or_as_many_as_were_asked_for(
    words: list[str], events: int
) -> None:
    assert plan("--trigger", "once", *words).batch_events == events


@pytest.mark.parametrize(
    ("words", "port"),
    [
        ([], 8000),
        (["--metrics-port", "8001"], 8001),
        (["--metrics-port", "0"], None),
        (["--metrics-port", "off"], None),
    ],
)
def test_the_port_of_the_metrics_is_known_unless_it_is_any_or_none(
    words: list[str], port: int | None
) -> None:
    assert plan(*words).metrics_port == port


@pytest.mark.parametrize(
    "option",
    [
        "--broker",
        "--kafka-config",
        "--input-topic",
        "--output-topic",
        "--deadletter-topic",
        "--checkpoint",
        "--contract",
    ],
)
def test_what_the_sandbox_chooses_cannot_be_chosen(option: str) -> None:
    for words in ([option, "x"], [f"{option}=x"]):
        with pytest.raises(SandboxError, match=f"{option}.* is chosen by --sandbox itself"):
            plan(*words)


def test_a_broker_of_the_environment_is_none_of_its_business() -> None:
    assert plan(KAFKA_BOOTSTRAP_SERVERS="not a broker").settings.kafka.broker == "localhost:9092"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rate", "0"], "--rate: '0' is not a number above 0"),
        (["--rate", "fast"], "--rate: 'fast' is not a number"),
        (["--events", "0"], "--events: '0' is not a whole number of at least 1, or off"),
        (["--bad-ratio", "2"], "--bad-ratio: '2' is not a number from 0 to 1"),
        (["--trigger", "5 parsecs"], "--trigger: '5 parsecs'"),
    ],
)
def test_a_malformed_option_is_named_whoever_it_belongs_to(words: list[str], said: str) -> None:
    with pytest.raises(SettingsError) as error:
        plan(*words)
    assert str(error.value).startswith(said)


def test_help_is_the_sandbox_s_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        plan("--help")
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: ./spark-submit.sh --sandbox")
    for option in ("--rate", "--events", "--bad-ratio"):
        assert option in text
    assert "--broker" not in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--rate", "0"], "--rate: '0' is not a number above 0"),
        (["--events=many"], "'many' is not a whole number of at least 1"),
        (["--bad-ratio", "2"], "'2' is not a number from 0 to 1"),
        (["--checkpoint=/tmp/x"], "--checkpoint=/tmp/x is chosen by --sandbox"),
        (["--", "--broker", "x:1"], "--broker is chosen by --sandbox"),
        (["--ratio", "1"], "unknown argument --ratio; did you mean --bad-ratio?"),
    ],
)
def test_what_the_sandbox_cannot_do_is_refused(arguments: list[str], told: str) -> None:
    with pytest.raises(ChurnStreamError, match=re.escape(told)) as refusal:
        parse_plan(["--sandbox", *arguments], {})
    assert refusal.value.exit_code == 2


def test_the_plan_follows_the_jobs_own_options() -> None:
    once = plan("--trigger=once", "--metrics-port", "9000")
    assert (once.is_once, once.batch_events, once.metrics_port) == (True, 1000, 9000)
    stream = plan("--rate", "5", "--trigger", "once", "--trigger", "1 minute")
    assert (stream.is_once, stream.feed.rate, stream.feed.events) == (False, 5.0, None)
    for port in ("0", "off"):
        assert plan("--metrics-port", port).metrics_port is None


def test_the_plan_follows_the_jobs_environment_and_file_too(tmp_path: Path) -> None:
    assert plan(CHURN_STREAM_TRIGGER="once").is_once
    (tmp_path / "job.toml").write_text('trigger = "once"\nmetrics_port = 9001')
    from_file = plan("--config", str(tmp_path / "job.toml"))
    assert (from_file.is_once, from_file.metrics_port) == (True, 9001)
