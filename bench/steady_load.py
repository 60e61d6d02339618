"""Memory and threads of the job over time: under a steady load, or while it works off a backlog.

    python bench/steady_load.py [--minutes N] [--rate N] [--backlog N]

Starts the job as a user does (a driver of 1 GB) on a Kafka of its own, and prints what both of its
processes hold. The slopes are of the second half, when the JVM has grown to its size.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from drain import DISTINCT_RECORDS
from table import print_machine, print_table
from watched import python_of

from churn_tools.producer.pacing import Pacer
from churn_tools.producer.publisher import Publisher
from churn_tools.producer.source import synthetic_events, to_records
from churn_tools.verify.balance import Balance
from churn_tools.verify.command import verify
from launcher.child import Child
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import CustomerTopics
from telco_churn.query.settings import BrokerSettings, TopicSettings

HOME = Path(__file__).resolve().parents[1]
TOPICS = CustomerTopics()
SAMPLE_SECONDS = 10.0
START_SECONDS = 300.0


@dataclass(frozen=True)
class Sample:
    """What the job holds at a moment: seconds since the start, megabytes, threads."""

    seconds: float
    jvm_mb: float
    python_mb: float
    threads: int


def main(minutes: float, rate: float, backlog: int) -> None:
    """Prints the samples, their slopes and the books."""
    print_machine()
    with tempfile.TemporaryDirectory() as directory, KafkaBroker(Path(directory) / "kafka") as own:
        broker = own.bootstrap_servers
        TOPICS.create(broker)
        publish(broker, backlog, 0.0, threading.Event())
        with job(Path(directory), broker) as child, feeding(broker, rate):
            samples = list(watch(child, minutes * 60))
        show(samples)
        print(f"\n{told(verify(BrokerSettings(broker=broker), TopicSettings()))}")


def publish(broker: str, count: int | None, rate: float, stop: threading.Event) -> None:
    """So many records, or without end, at a rate (0: as fast as it goes)."""
    distinct = list(to_records(synthetic_events(DISTINCT_RECORDS, seed=1), 0.01, seed=1))
    publisher, pacer = Publisher(BrokerSettings(broker=broker), TOPICS.raw), Pacer(rate)
    for record in islice(cycle(distinct), count):
        if stop.is_set():
            break
        time.sleep(pacer.delay_seconds())
        publisher.publish(record)
        pacer.count_event()
    publisher.flush()


@contextmanager
def feeding(broker: str, rate: float) -> Iterator[None]:
    """A steady load in the background; none at rate 0."""
    stop = threading.Event()
    thread = threading.Thread(target=publish, args=(broker, None, rate, stop))
    if rate:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if rate:
            thread.join()


@contextmanager
def job(directory: Path, broker: str) -> Iterator[Child]:
    """The running job, stopped in good order after."""
    command = [str(HOME / "spark-submit.sh"), "--driver-memory", "1g", "--metrics-port", "0"]
    command += ["--broker", broker, "--checkpoint", str(directory / "checkpoint")]
    command += ["--log-dir", str(directory / "logs")]
    environment = {**os.environ, "PYTHON": sys.executable}
    child = Child("the job", command, directory / "output.log", environment)
    try:
        yield child
    finally:
        child.stop(60)


def watch(child: Child, seconds: float) -> Iterator[Sample]:
    """A sample every `SAMPLE_SECONDS`, from when Python is there.

    Raises:
        RuntimeError: the job ends.
    """
    start = time.monotonic()
    while python_of(child.pid) is None and time.monotonic() - start < START_SECONDS:
        time.sleep(0.5)
    start = time.monotonic()
    while (passed := time.monotonic() - start) < seconds:
        python = python_of(child.pid)
        if python is None:
            raise RuntimeError(f"the job has ended: {child.last_lines()}")
        (jvm_mb, jvm_threads), (python_mb, python_threads) = held(child.pid), held(python)
        yield Sample(passed, jvm_mb, python_mb, jvm_threads + python_threads)
        time.sleep(SAMPLE_SECONDS)


def held(pid: int) -> tuple[float, int]:
    """Resident megabytes and threads of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return int(fields["VmRSS"].split()[0]) / 1024, int(fields["Threads"])


def show(samples: Sequence[Sample]) -> None:
    """Prints about twenty of the samples, and the slopes of the second half."""
    some = samples[:: max(1, len(samples) // 20)]
    rows = [
        (f"{s.seconds:.0f}", f"{s.jvm_mb:.0f}", f"{s.python_mb:.0f}", str(s.threads)) for s in some
    ]
    print_table(("seconds", "JVM MB", "Python MB", "threads"), rows)
    half = samples[len(samples) // 2 :]
    seconds = [s.seconds for s in half]
    for name, values in (
        ("JVM, MB an hour", [s.jvm_mb for s in half]),
        ("Python, MB an hour", [s.python_mb for s in half]),
        ("threads an hour", [float(s.threads) for s in half]),
    ):
        print(f"{name}: {statistics.linear_regression(seconds, values).slope * 3600:+.1f}")


def told(balance: Balance) -> str:
    """The books in a line."""
    return (
        f"read {balance.read:,}, predictions {balance.predictions:,}, "
        f"dead letters {balance.dead_letters:,}, lost or not yet read {balance.lost.count:,}, "
        f"repeated {balance.repeated.count:,}"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--rate", type=float, default=500.0, help="records a second; 0: none")
    parser.add_argument("--backlog", type=int, default=0, help="records there before the start")
    main(**vars(parser.parse_args()))
