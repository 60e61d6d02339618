"""A running job that gets one fault after the other, a Prometheus with our rules, and a person."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from job import HOME, Job
from monitoring.runbook_page import command, shell
from quick_rules import ask, shortened, soon
from scrape import is_ready, scrape
from walk_faults import small_disk

from launcher.jvm import java_command
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.kafka_jars import kafka_class_path
from sandbox.kafka.topics import CustomerTopics
from sandbox.monitoring.programs import Monitoring, Ports
from sandbox.ports import LOOPBACK, free_port

TOPICS = CustomerTopics()
BATCH = 100
RESTARTS = 1
"""From which on RestartsTooMany fires; the third one would come too late for windows of seconds."""
KAFKA_TOOLS = {
    "kafka-transactions.sh": "org.apache.kafka.tools.TransactionsCommand",
    "kafka-console-consumer.sh": "org.apache.kafka.tools.consumer.ConsoleConsumer",
}
CONSOLE = "console"
"""The file that has what the job tells its user."""
COMMANDS_RUN: set[str] = set()
"""Those of the runbook, as it has them."""


@dataclass(frozen=True)
class Walk:
    """What the tests of the runbook share.

    Attributes:
        job: how the job was started; its working directory is that of the commands.
        process: the job; it is Spark's JVM, with Python below it.
        broker: its Kafka.
        monitoring: Prometheus, Pushgateway and Alertmanager.
        ports: theirs and the job's.
        model: the directory that the job has it from.
        slow_model: the file that keeps the job waiting for its model.
        targets: the file that tells Prometheus of the job.
    """

    job: Job
    process: subprocess.Popen[str]
    broker: KafkaBroker
    monitoring: Monitoring
    ports: Ports
    model: Path
    slow_model: Path
    targets: Path
    _began: list[float] = field(default_factory=lambda: [time.monotonic()])

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.ports.job}"

    def be_well(self) -> None:
        """Waits until the job deals with records as they come."""
        self.slow_model.unlink(missing_ok=True)
        soon(lambda: is_ready(self.url), "a job that is well", self.process)
        self._began[0] = time.monotonic()

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the job's series of this name."""
        found = scrape(self.url)
        assert found is not None
        return found.total(name, **labels)

    def firing(self) -> set[str]:
        found = ask(self.monitoring.addresses["prometheus"], 'ALERTS{alertstate="firing"}')
        return {str(series["metric"]["alertname"]) for series in found}

    def fires(self, *names: str) -> None:
        """Each of these alerts fires some time from now on."""
        missing = set(names)

        def is_complete() -> bool:
            for name in sorted(missing & self.firing()):
                took = time.monotonic() - self._began[0]
                sys.stdout.write(f"{name} fired {took:.0f} s after the job was well\n")
                missing.remove(name)
            return not missing

        soon(is_complete, missing)

    def ends(self, *names: str) -> None:
        """None of these alerts fires any more."""
        soon(lambda: not self.firing() & set(names), f"no {names}")
        sys.stdout.write(f"{' '.join(names)} ended\n")

    def runs(self, alert: str, start: str, *, code: int = 0, **put_in: str) -> str:
        """What a command of the runbook writes, at the ports of here.

        Args:
            alert: in whose entry it stands; none: above them all.
            start: how it begins.
            code: its exit code.
            put_in: what stands for words in capitals.
        """
        text = command(start, alert)
        COMMANDS_RUN.add(text)
        host, _, port = self.broker.bootstrap_servers.partition(":")
        known = {"HOST:9092": f"{host}:{port}", "HOST/9092": f"{host}/{port}"}
        for old, new in (known | put_in).items():
            text = text.replace(old, new)
        text = text.replace(".venv/bin/python", shlex.quote(sys.executable))
        # Others may run here.
        checkpoint = self.job.directory / "checkpoint"
        for whom in ("jobs/churn_stream.py", "deploy.SparkSubmit"):
            for option in ("-f", "--full"):
                text = text.replace(f"{option} {whom}", f"{option} '{whom}.*{checkpoint}'")
        text = self.ports.put_into(text)
        path = f"{self.job.directory / 'bin'}:{os.environ['PATH']}"
        output = shell(text, code=code, cwd=self.job.directory, env=os.environ | {"PATH": path})
        sys.stdout.write(f"$ {text}\n{output[:2000]}")
        return output


def rules_home(directory: Path, targets: Path) -> Path:
    """A project with the rules as the command writes them, and targets that come from a file."""
    made = [sys.executable, "-m", "dashboards", "--restarts", str(RESTARTS)]
    directory.mkdir()
    subprocess.run([*made, "--out", str(directory)], cwd=HOME, check=True, timeout=60)
    home = shortened(directory)
    config = home / "conf" / "prometheus" / "prometheus.yml"
    text, found = re.subn(
        r"static_configs:\n +- targets: \['localhost:8000'\]\n +labels:\n(?: {10}.*\n)+",
        f"file_sd_configs:\n      - files: ['{targets}']\n        refresh_interval: 1s\n",
        config.read_text("utf-8"),
    )
    assert found == 1
    config.write_text(text, "utf-8")
    alerts = home / "conf" / "prometheus" / "alerts.yml"
    text = alerts.read_text("utf-8")
    assert "push_time_seconds > 900" in text
    alerts.write_text(text.replace("push_time_seconds > 900", "push_time_seconds > 20"), "utf-8")
    return home


def tell_of(targets: Path, *addresses: str) -> None:
    """Lets Prometheus discover these targets, and no other."""
    labels = {"environment": "dev", "service": "telco-churn-consumer"}
    found = json.dumps([{"targets": addresses, "labels": labels}])
    new = targets.with_suffix(".new")
    new.write_text(found, "utf-8")
    new.replace(targets)


def write_tools(directory: Path) -> None:
    """Kafka's commands, under the names that its own archive gives them."""
    directory.mkdir()
    for name, main in KAFKA_TOOLS.items():
        words = shlex.join(java_command(kafka_class_path(), [], main))
        (directory / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n', "utf-8")
        (directory / name).chmod(0o755)


@contextmanager
def walking(directory: Path) -> Iterator[Walk]:
    """A job that waits for its model, and all that watches it."""
    ports, targets = Ports(*(free_port() for _ in range(6))), directory / "targets.json"
    tell_of(targets, f"{LOOPBACK}:{ports.job}")
    write_tools(directory / "bin")
    model = Path(shutil.copytree(HOME / "models" / "churn", directory / "model"))
    slow_model = directory / "slow-model"
    slow_model.touch()
    home = rules_home(directory / "home", targets)
    with (
        small_disk(directory / "logs"),
        KafkaBroker(directory / "kafka") as broker,
        Monitoring(home, directory / "monitoring", ports) as monitoring,
    ):
        TOPICS.create(broker.bootstrap_servers)
        job = Job(directory, broker.bootstrap_servers, TOPICS)
        options = (
            *("--trigger", "1 second", "--max-offsets-per-trigger", str(BATCH)),
            *("--conf", f"spark.ui.port={ports.spark}", "--metrics-port", str(ports.job)),
            *("--pushgateway", monitoring.addresses["pushgateway"], "--on-data-loss", "continue"),
            *("--model-path", str(model)),
        )
        faulty = str(Path(__file__).with_name("faulty"))
        environment = {**job.environment, "PYTHONPATH": faulty}
        with job.running(*options, environment=environment) as process:
            # A console that nobody reads would hold the job up.
            threading.Thread(target=_keep, args=(process, directory / CONSOLE)).start()
            yield Walk(job, process, broker, monitoring, ports, model, slow_model, targets)


def _keep(process: subprocess.Popen[str], file: Path) -> None:
    """Writes down what the job tells its user."""
    assert process.stdout is not None
    with file.open("w") as kept:
        for line in process.stdout:
            kept.write(line)
            kept.flush()


@contextmanager
def quota(walk: Walk, limit: str) -> Iterator[None]:
    """A broker that gives every client no more than this, while it lasts."""

    def change(*what: str) -> None:
        walk.broker.run_tool(
            "kafka.admin.ConfigCommand",
            *("--bootstrap-server", walk.broker.bootstrap_servers, "--alter"),
            *("--entity-type", "clients", "--entity-default", *what),
        )

    change("--add-config", limit)
    try:
        yield
    finally:
        change("--delete-config", limit.partition("=")[0])
