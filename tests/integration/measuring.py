"""The query that judges predictions by labels, as a process, and the labels that it reads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from job import HOME, Job, wait_until
from scrape import Scrape, scrape

from sandbox.ports import LOOPBACK, free_port

FATES = ("judged", "repeated", "missing", "unmatched")


@dataclass(frozen=True)
class Measuring:
    """One run of it, and where it shows its figures."""

    process: subprocess.Popen[str]
    url: str

    def fates(self) -> dict[str, int]:
        """What has become of labels and predictions since it was started."""
        now = self.shown()
        return {fate: int(now.total("model_label_fates_total", fate=fate)) for fate in FATES}

    def shown(self) -> Scrape:
        found = scrape(self.url)
        assert found is not None
        return found

    def wait_for(self, **wanted: int) -> None:
        """Waits until so many have these fates."""

        def is_there() -> bool:
            found = scrape(self.url)
            name = "model_label_fates_total"
            return found is not None and all(
                found.total(name, fate=fate) >= count for fate, count in wanted.items()
            )

        wait_until(is_there, self.process)

    def stop(self) -> None:
        """Asks it to stop, as a scheduler does."""
        os.killpg(self.process.pid, signal.SIGTERM)
        assert self.process.wait(60) == 0, self.process.communicate()[0]


@contextmanager
def measuring(job: Job, labels: str, *options: str) -> Iterator[Measuring]:
    """It, beside the job; killed if it is still there after."""
    port = free_port()
    given = {
        **{"--broker": job.broker, "--output-topic": job.topics.predictions},
        **{"--labels-topic": labels, "--metrics-port": str(port), "--trigger": "1 second"},
        **{"--checkpoint": str(job.directory / "labels"), "--log-dir": str(job.directory / "logs")},
    }
    with subprocess.Popen(
        [
            *(sys.executable, str(HOME / "jobs" / "measure_accuracy.py")),
            *(word for pair in given.items() for word in pair),
            *options,
        ],
        env=job.environment | {"PYTHONPATH": str(HOME / "lib")},
        cwd=job.directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield Measuring(process, f"http://{LOOPBACK}:{port}")
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def send_labels(job: Job, topic: str, labels: Iterable[Mapping[str, Any] | bytes]) -> None:
    """Sends labels, or what is none."""
    producer = Producer({"bootstrap.servers": job.broker, "linger.ms": 5})
    for label in labels:
        if isinstance(label, bytes):
            producer.produce(topic, label)
        else:
            producer.produce(topic, json.dumps(label), key=str(label["customerID"]))
    assert producer.flush(30) == 0


def log_lines(directory: Path) -> list[dict[str, Any]]:
    """Its log."""
    text = (directory / "logs" / "label_accuracy.log").read_text()
    return [json.loads(line) for line in text.splitlines()]
