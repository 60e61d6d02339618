"""Measures a start: from the command to the first record that comes out, and the work until then.

    python bench/startup.py [--rounds N] [--before CHECKOUT] [--write]

By turns in one run: Spark handing records through, and the job with and without class archive, on
the Java of the Python packages and on the one of the PATH; then the sandbox's once-run, from its
beginning to its end. `--before` names a checkout of another commit, whose job and sandbox take
their turns too; `--write` puts the tables into docs/performance.md.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from confluent_kafka import Consumer, TopicPartition
from contestants import contestants, job_environment
from table import print_machine, print_table
from watched import tree_seconds

from launcher.cache.class_archive import VARIABLE
from launcher.child import Child
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import CustomerTopics

HOME = Path(__file__).resolve().parents[1]
PAGE = HOME / "docs" / "performance.md"
MARKS = ("<!-- start-up: made by `python bench/startup.py --write` -->\n", "<!-- /start-up -->\n")
RECORDS = "1000"
LIMIT_SECONDS = 600.0
_PACKAGES = {"JAVA_HOME": "", "PYTHON": sys.executable}


@dataclass(frozen=True)
class Starter:
    """A command to start, and what it took, round by round: seconds and core-seconds."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    taken: list[tuple[float, float]] = field(default_factory=list)

    def run(self, broker: str, topics: CustomerTopics, directory: Path) -> None:
        """Starts it, and stops it when its first record is there.

        Raises:
            RuntimeError: it ends without one, or takes too long.
        """
        directory.mkdir()
        command = [
            *self.command,
            *("--broker", broker, "--input-topic", topics.raw),
            *("--output-topic", topics.predictions, "--deadletter-topic", topics.dead_letters),
            *("--checkpoint", str(directory / "checkpoint"), "--log-dir", str(directory / "logs")),
            *("--run-log-dir", "off", "--trigger", "once", "--metrics-port", "0"),
        ]
        environment = {**job_environment(directory), **self.environment}
        before, begun = records_out(broker, topics), time.monotonic()
        child = Child(self.name, command, directory / "console", environment)
        try:
            while records_out(broker, topics) == before:
                if not child.is_running or time.monotonic() - begun > LIMIT_SECONDS:
                    raise RuntimeError(f"{self.name} did not start: {child.complaint()}")
                time.sleep(0.05)
            self.taken.append((time.monotonic() - begun, tree_seconds(child.pid)))
        finally:
            child.kill()


class OnceRun(Starter):
    """The sandbox's once-run: the time and the work of all of it."""

    def run(self, broker: str, topics: CustomerTopics, directory: Path) -> None:
        """Runs it to its end; it brings its own broker.

        Raises:
            RuntimeError: it fails.
        """
        directory.mkdir()
        words = ("--sandbox", "--trigger", "once", "--events", RECORDS, "--metrics-port", "0")
        before, begun = _children_seconds(), time.monotonic()
        done = subprocess.run(
            [*self.command, *words],
            env={**job_environment(directory), **self.environment, "TMPDIR": str(directory)},
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{self.name} failed: {done.stdout}{done.stderr}")
        self.taken.append((time.monotonic() - begun, _children_seconds() - before))


def _children_seconds() -> float:
    """Processor time of all that this process has waited for, and of what they have waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def records_out(broker: str, topics: CustomerTopics) -> int:
    """How many records the output topics hold."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "startup", "log_level": 0})
    try:
        known = consumer.list_topics(timeout=30).topics
        partitions = [
            TopicPartition(topic, number)
            for topic in (topics.predictions, topics.dead_letters)
            for number in known[topic].partitions
        ]
        ends = [consumer.get_watermark_offsets(one, timeout=30) for one in partitions]
        return sum(end[1] for end in ends if end)
    finally:
        consumer.close()


def starters(before: Path | None) -> list[Starter]:
    """All that is measured, in the order of the table."""
    (passthrough,) = (one for one in contestants(Path()) if one.name == "passthrough by Spark")
    found = [Starter("passthrough by Spark, no archive", passthrough.command, {})]
    javas = {"Java of the packages": ""}
    if _java_of_path():
        javas["Java of the PATH"] = _java_of_path()
    if before:
        home = {"JAVA_HOME": _java_of_path(), "PYTHON": sys.executable}
        found.append(Starter("the commit before", (str(before / "spark-submit.sh"),), home))
    for name, home_of_java in javas.items():
        for mode, told in (("off", "without"), ("use", "with")):
            environment = {"JAVA_HOME": home_of_java, VARIABLE: mode, "PYTHON": sys.executable}
            command = (str(HOME / "spark-submit.sh"),)
            found.append(Starter(f"the job, {name}, {told} archive", command, environment))
    return found


def once_runs(before: Path | None) -> list[Starter]:
    """The sandbox's once-run, before and now, each as its user has it when all is made."""
    now = OnceRun("now", (str(HOME / "spark-submit.sh"),), {VARIABLE: "use", **_PACKAGES})
    if before is None:
        return [now]
    home = {"JAVA_HOME": _java_of_path(), "PYTHON": sys.executable}
    return [OnceRun("the commit before", (str(before / "spark-submit.sh"),), home), now]


def _java_of_path() -> str:
    program = shutil.which("java")
    return str(Path(program).resolve().parents[1]) if program else ""


def prepare(starter: Starter) -> None:
    """Sees to it that there is an archive for a starter that uses one."""
    if starter.environment.get(VARIABLE) == "use":
        environment = {**os.environ, **starter.environment, VARIABLE: "on"}
        subprocess.run([*starter.command, "--prepare"], env=environment, check=True)


def show(title: str, measured: list[Starter], base: int) -> None:
    """Prints a table, with ratios to one of its rows."""
    medians = [[median(column) for column in zip(*one.taken, strict=True)] for one in measured]
    rows = [
        [one.name, *(f"{value:.1f}" for value in pair), *(f"{v / b:.2f}" for v, b in ratios)]
        for one, pair in zip(measured, medians, strict=True)
        if (ratios := list(zip(pair, medians[base], strict=True)))
    ]
    print_table([title, "s", "core-s", "ratio", "ratio"], rows)


def main() -> None:
    """Measures, prints, and writes the page where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", type=Path, help="checkout of the commit to compare with")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    options = parser.parse_args()
    jobs, sandboxes = starters(options.before), once_runs(options.before)
    for starter in jobs:
        prepare(starter)
    with (
        tempfile.TemporaryDirectory(prefix="startup-") as scratch,
        KafkaBroker(Path(scratch, "kafka")) as broker,
    ):
        topics = CustomerTopics()
        topics.create(broker.bootstrap_servers)
        feed(broker.bootstrap_servers, topics.raw)
        for number in range(options.rounds):
            for at, starter in enumerate([*jobs, *sandboxes]):
                starter.run(broker.bootstrap_servers, topics, Path(scratch, f"{number}-{at}"))
                sys.stderr.write(f"{starter.name}: {starter.taken[-1]}\n")
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        print_machine()
        # What is no passthrough comes behind it.
        show("from the command to the first record", jobs, base=1)
        print()
        show("the sandbox's once-run", sandboxes, base=0)
    sys.stdout.write(text.getvalue())
    if options.write:
        page = PAGE.read_text("utf-8")
        pattern = f"{re.escape(MARKS[0])}.*{re.escape(MARKS[1])}"
        new = f"{MARKS[0]}{text.getvalue()}{MARKS[1]}"
        PAGE.write_text(re.sub(pattern, lambda _: new, page, flags=re.DOTALL), "utf-8")


def feed(broker: str, topic: str) -> None:
    """Publishes the records that every start reads."""
    subprocess.run(
        [
            *(sys.executable, str(HOME / "jobs" / "produce_customers.py"), "--broker", broker),
            *("--topic", topic, "--synthetic", RECORDS, "--rate", "0", "--no-validate"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
