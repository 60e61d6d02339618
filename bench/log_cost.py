"""What the log costs at a steady load: lines, bytes, and processor time, by level.

    python bench/log_cost.py [EVENTS_PER_SECOND] [SECONDS]

Each level runs the job on a Kafka of its own with a batch each second, 2 % of the events broken.
"""

from __future__ import annotations

import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from contestants import MASTER, job_environment, the_job
from table import print_machine, print_table
from watched import processor_seconds, python_of

from churn_tools.producer.pacing import Pacer
from churn_tools.producer.publisher import Publisher
from churn_tools.producer.source import synthetic_events, to_records
from launcher.child import Child
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import CustomerTopics
from sandbox.ports import LOOPBACK, free_port
from telco_churn.query.settings import BrokerSettings

LEVELS = ("ERROR", "WARNING", "INFO", "DEBUG")
START_LIMIT_SECONDS = 120.0
WARM_UP_SECONDS = 60.0


def main(rate: int, seconds: int) -> None:
    """Prints one line for each level."""
    rows = []
    for level in LEVELS:
        with tempfile.TemporaryDirectory() as scratch:
            rows.append((level, *_measure(Path(scratch), level, rate, seconds)))
            sys.stderr.write(f"{level} done\n")
    print(
        f"{rate:,} events a second for {seconds} s, 2 % broken, a batch a second; Spark at {MASTER}"
    )
    print_machine()
    columns = ("level", "lines/s", "kB/s", "driver, % of a core", "JVM, % of a core")
    print_table(columns, rows)


def _measure(scratch: Path, level: str, rate: int, seconds: int) -> tuple[str, ...]:
    topics = CustomerTopics()
    with KafkaBroker(scratch / "kafka") as broker:
        servers = broker.bootstrap_servers
        topics.create(servers)
        port = free_port()
        child = Child("the job", _command(scratch, servers, level, port), *_surroundings(scratch))
        try:
            _wait_until_ready(child, port)
            driver = python_of(child.pid)
            if driver is None:
                raise RuntimeError("the job has no Python process")
            publisher = Publisher(BrokerSettings(broker=servers), topics.raw)
            _send(publisher, rate, WARM_UP_SECONDS)
            before = _figures(scratch, driver, child.pid)
            _send(publisher, rate, seconds)
            after = _figures(scratch, driver, child.pid)
        finally:
            child.stop(30)
    lines, size, of_driver, of_jvm = (b - a for a, b in zip(before, after, strict=True))
    return (
        f"{lines / seconds:,.0f}",
        f"{size / seconds / 1000:,.1f}",
        f"{of_driver / seconds:.1%}",
        f"{of_jvm / seconds:.1%}",
    )


def _figures(scratch: Path, driver: int, jvm: int) -> tuple[float, float, float, float]:
    files = [*(scratch / "logs").glob("kafka_consumer.log*")]
    contents = [path.read_bytes() for path in files]
    return (
        sum(content.count(b"\n") for content in contents),
        sum(map(len, contents)),
        processor_seconds(driver),
        processor_seconds(jvm),
    )


def _send(publisher: Publisher, rate: int, seconds: float) -> None:
    records = cycle(list(to_records(synthetic_events(5_000, seed=1), 0.02, seed=1)))
    pacer, until = Pacer(rate), time.monotonic() + seconds
    while time.monotonic() < until:
        while (delay := pacer.delay_seconds()) > 0:
            time.sleep(delay)
            publisher.serve()
        pacer.count_event()
        publisher.publish(next(records))
    publisher.flush()


def _command(scratch: Path, servers: str, level: str, port: int) -> list[str]:
    return [
        *the_job().command,
        *("--broker", servers),
        *("--checkpoint", str(scratch / "checkpoint"), "--trigger", "1 second"),
        *("--log-dir", str(scratch / "logs"), "--run-log-dir", str(scratch / "runs")),
        *("--log-level", level, "--metrics-port", str(port)),
    ]


def _surroundings(scratch: Path) -> tuple[Path, dict[str, str]]:
    return scratch / "job.log", dict(job_environment(scratch))


def _wait_until_ready(child: Child, port: int) -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < deadline:
        if not child.is_running:
            raise RuntimeError(child.last_lines())
        try:
            with urlopen(f"http://{LOOPBACK}:{port}/health/ready", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError("the job was not ready in time")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ["1000", "30"]))
