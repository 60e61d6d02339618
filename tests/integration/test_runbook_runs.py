"""The runbook of scheduled runs, walked through, and the panels that show them.

Faults are made on real runs, as in test_runbook_walk.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from job import Job
from load import publish, publish_broken
from monitoring.runbook_page import command, shell
from quick_rules import ask, panel_queries, shortened_home, soon

from sandbox.kafka.topics import CustomerTopics
from sandbox.monitoring.programs import Monitoring, Ports
from sandbox.ports import LOOPBACK, free_port

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("prometheus", "prometheus-pushgateway", "prometheus-alertmanager"),
]

GROUP = "nightly"


@dataclass(frozen=True)
class Schedule:
    """A job that runs now and then, and what watches its runs."""

    job: Job
    ports: Ports
    monitoring: Monitoring

    def options(self, interval: str, *more: str) -> tuple[str, ...]:
        return (
            *("--trigger", "once", "--consumer-group", GROUP, "--expected-interval", interval),
            *("--pushgateway", self.monitoring.addresses["pushgateway"]),
            *("--pushgateway-labels", "environment=prod", *more),
        )

    def ask(self, expression: str) -> list[dict[str, str]]:
        """The labels of the series that it gives, and their values as `value`."""
        found = ask(self.monitoring.addresses["prometheus"], expression)
        return [{**one["metric"], "value": one["value"][1]} for one in found]

    def firing(self) -> set[str]:
        return {one["alertname"] for one in self.ask('ALERTS{alertstate="firing",job="churn"}')}

    def runs(self, alert: str, start: str, **put_in: str) -> str:
        """What a command of the runbook writes, at the ports of here."""
        text = command(start, alert)
        for old, new in put_in.items():
            text = text.replace(old, new)
        return shell(self.ports.put_into(text), cwd=self.job.directory)


@contextmanager
def schedule(job: Job) -> Iterator[Schedule]:
    ports = Ports(*(free_port() for _ in range(6)))
    home = shortened_home(job.directory / "home")
    with Monitoring(home, job.directory / "monitoring", ports) as monitoring:
        yield Schedule(job, ports, monitoring)


@pytest.fixture
def without_broker(tmp_path: Path) -> Iterator[Schedule]:
    with schedule(Job(tmp_path, f"{LOOPBACK}:{free_port()}", CustomerTopics())) as made:
        yield made


@pytest.fixture
def nightly(tmp_path: Path, broker: str, topic_names: CustomerTopics) -> Iterator[Schedule]:
    with schedule(Job(tmp_path, broker, topic_names)) as made:
        yield made


def test_a_run_that_cannot_begin_and_is_then_given_up(without_broker: Schedule) -> None:
    wrong = without_broker.options("5s", "--max-restarts", "many")
    assert without_broker.job.run_without_jvm(*wrong).returncode == 2
    soon(lambda: without_broker.firing() == {"RunFailed", "RunOverdue"}, "both alerts")
    (code,) = without_broker.ask("stream_run_exit_code")
    assert code["value"] == "2"

    for end in ("", "/run/once"):
        group = f"{GROUP}/environment/prod{end}"
        without_broker.runs("StalePush", "curl", GROUP=group)
    soon(lambda: without_broker.firing() == {"RunOverdue"}, "only what is remembered")
    without_broker.runs("RunOverdue", "amtool", GROUP=GROUP)
    soon(lambda: is_silenced(without_broker), "the silence")


def is_silenced(schedule: Schedule) -> bool:
    address = schedule.monitoring.addresses["alertmanager"]
    with urlopen(f"{address}/api/v2/alerts?filter=alertname=RunOverdue", timeout=10) as answer:
        found = json.load(answer)
    return bool(found) and all(one["status"]["silencedBy"] for one in found)


def test_a_run_that_failed_is_started_again_and_fills_its_board(nightly: Schedule) -> None:
    job = nightly.job
    wrong = nightly.options("1d", "--max-restarts", "many")
    assert job.run_without_jvm(*wrong).returncode == 2
    soon(lambda: "RunFailed" in nightly.firing(), "RunFailed")

    publish(job.broker, job.topics.raw, 40)
    publish_broken(job.broker, job.topics.raw, 5, 100)
    done = job.run(*nightly.options("1d"))
    assert done.returncode == 0, done.stderr
    soon(lambda: nightly.ask("stream_run_last_success_timestamp_seconds > 0"), "the success")
    soon(lambda: nightly.firing() == set(), "no alert")

    shown = {place: nightly.ask(query) for place, query in panel_queries("runs")}
    # Where nothing is known, panels show a value without labels.
    unknown = {
        place
        for place, series in shown.items()
        if not any(one.keys() - {"value"} for one in series)
    }
    assert unknown == set()
    said = {place.removeprefix("runs: "): one["value"] for place, (one, *_) in shown.items()}
    assert said["Latest Run A"] == "2"
    assert said["Exit Code A"] == "0"
    assert [said[f"Records of the Run {ref}"] for ref in "ABC"] == ["45", "40", "5"]
    assert said["Error Types of the Run A"] == "5"
    assert said["Records Lost A"] == "0"
