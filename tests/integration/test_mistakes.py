"""What a user gets wrong costs one line and has its own exit code."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from job import Job, user_lines

from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import free_port


@pytest.fixture
def job(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Job:
    return Job(tmp_path, broker, topic_names)


def assert_refused(job: Job, options: list[str], exit_code: int, said: str) -> None:
    result = job.run("--trigger", "once", *options)
    assert result.returncode == exit_code, result.stderr
    (line,) = user_lines(result)
    assert re.search(said, line), line
    assert "Traceback" not in result.stderr
    assert "Py4J" not in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tigger", "once"], "unknown argument --tigger; did you mean --trigger"),
        (["--trigger", "5 parsecs"], "'5 parsecs' is not understood; use an interval"),
        (["--metrics-port", "eight"], "--metrics-port: 'eight' is not a port"),
        (["--broker", "localhost"], "'localhost' is not a list of bootstrap servers"),
        (["--max-offsets-per-trigger", "0"], "is not a whole number of at least 1"),
        (["--pushgateway", "ftp://x"], "is not an http"),
        (["--config", "missing.toml"], "config missing.toml cannot be read"),
    ],
)
def test_a_wrong_option(job: Job, options: list[str], said: str) -> None:
    assert_refused(job, options, 2, said)


def test_an_unknown_key_in_the_config(job: Job) -> None:
    config = job.directory / "job.toml"
    config.write_text('tigger = "once"\n')
    assert_refused(job, ["--config", str(config)], 2, "unknown key 'tigger'; did you mean trigger")


def test_no_broker(job: Job) -> None:
    address = f"127.0.0.1:{free_port()}"
    assert_refused(job, ["--broker", address], 4, f"no Kafka broker answers at {address}")


def test_a_topic_that_does_not_exist(job: Job) -> None:
    said = "topic not.there does not exist on .*--create --topic not.there"
    assert_refused(job, ["--output-topic", "not.there"], 4, said)


def test_two_topics_that_are_one(job: Job) -> None:
    assert_refused(job, ["--output-topic", job.topics.raw], 2, "all three must differ")


def test_a_metrics_port_that_is_taken(job: Job) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_refused(job, ["--metrics-port", port], 2, f"{port}.*(taken|in use)")


def test_a_checkpoint_that_cannot_be_written(job: Job) -> None:
    occupied = job.directory / "file"
    occupied.write_text("no directory")
    said = "checkpoint .*file/below cannot be written"
    assert_refused(job, ["--checkpoint", str(occupied / "below")], 2, said)


def test_fewer_slots_than_partitions_in_real_time_mode(job: Job) -> None:
    said = "has 3, Spark has 2; set --master"
    assert_refused(job, ["--trigger", "realtime", "--master", "local[2]"], 2, said)


def test_a_dry_run_shows_the_settings_and_writes_nothing(job: Job) -> None:
    config = job.directory / "job.toml"
    config.write_text(
        'pushgateway = "http://me:secret@127.0.0.1:9091"\n'
        'consumer_group = "file"\ntrigger = "7 seconds"\n'
    )
    result = job.run("--dry-run", "--config", str(config), "--trigger", "9 seconds")
    assert result.returncode == 0, result.stderr
    assert f"input_topic = {job.topics.raw}" in result.stdout
    assert "consumer_group = file" in result.stdout
    assert "trigger = 9 seconds" in result.stdout
    ticks = [line[2:].split()[0] for line in result.stdout.splitlines() if line.startswith("✓ ")]
    assert ticks == ["the", "contract", "Kafka", "checkpoint", "Spark", "the", "model"]
    assert f"\n0 records of {job.topics.raw} wait to be read\n" in result.stdout
    assert "  partition 2: 0, offsets 0 to 0\n" in result.stdout
    assert "pushgateway = http://***@127.0.0.1:9091" in result.stdout
    assert "secret" not in result.stdout + result.stderr
    assert not (job.directory / "checkpoint" / "metadata").exists()
