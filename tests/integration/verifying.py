"""Runs the verifier as an operator does."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from job import HOME

from sandbox.kafka.topics import CustomerTopics


def verify(
    broker: str, topics: CustomerTopics, *options: str
) -> tuple[dict[str, str], subprocess.CompletedProcess[str]]:
    """The printed figures by name, and the process."""
    result = subprocess.run(
        [
            *(sys.executable, "-m", "churn_tools.verify", "--broker", broker),
            *("--input-topic", topics.raw, "--output-topic", topics.predictions),
            *("--deadletter-topic", topics.dead_letters, *options),
        ],
        env=os.environ | {"PYTHONPATH": str(HOME / "lib")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = [re.split(r"\s{2,}", line, maxsplit=1) for line in result.stdout.splitlines()]
    return {name: " ".join(figures.split()) for name, figures in lines}, result


def assert_all_accounted(broker: str, topics: CustomerTopics, *options: str) -> dict[str, int]:
    """The books, as numbers, once it is sure that nothing is lost, invented or in both."""
    figures, result = verify(broker, topics, *options)
    assert result.returncode == 0, result.stdout + result.stderr
    return {name: int(figure.split()[0].replace(",", "")) for name, figure in figures.items()}
