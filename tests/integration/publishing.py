"""Runs of the producer, and what they leave in a topic."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import Message

from sandbox.kafka.read_back import read_topic
from stream_telemetry.broker.read import TopicReader
from telco_churn.paths import project_home

PRODUCER = project_home() / "jobs" / "produce_customers.py"


def records_in(broker: str, topic: str) -> list[Message]:
    return list(read_topic(broker, topic))


def keys_in(broker: str, topic: str) -> Counter[str]:
    return Counter((record.key() or b"").decode() for record in records_in(broker, topic))


@contextmanager
def running_job(broker: str, topic: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(PRODUCER), "--broker", broker, "--topic", topic, *arguments]
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
