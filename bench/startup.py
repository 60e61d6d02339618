"""Measures a start: from the command to the first record that comes out, and the work until then.

    python bench/startup.py [--rounds N] [--before CHECKOUT]

By turns in one run: Spark handing records through, and the job with and without class archive, on
the Java of the Python packages and on the one of the PATH; then the sandbox's once-run, from its
beginning to its end. `--before` names a checkout of another commit, whose job and sandbox take
their turns too.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from contestants import job_environment, passthrough
from figures import Table, arguments, tell
from outputs import Outputs, wait_until
from watched import tree_seconds

from launcher.cache.class_archive import VARIABLE
from launcher.child import Child
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import CustomerTopics

HOME = Path(__file__).resolve().parents[1]
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
        with Outputs(broker, topics) as outputs:
            before, begun = outputs.count(), time.monotonic()
            child = Child(self.name, command, directory / "console", environment)
            try:
                wait_until(lambda: outputs.count() > before, child, LIMIT_SECONDS)
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


def starters(before: Path | None) -> list[Starter]:
    """All that is measured, in the order of the table."""
    copying = passthrough().command
    found = [Starter("passthrough by Spark, without archive", copying, {VARIABLE: "off"})]
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


def summary(title: str, measured: Sequence[Starter], base: int) -> Table:
    """Medians of all rounds, beside those of one of its rows."""
    medians = [[median(column) for column in zip(*one.taken, strict=True)] for one in measured]
    columns = {"s": ".1f", "core-s": ".1f", "ratio": ".2f", "CPU ratio": ".2f"}
    wall, cpu = medians[base]
    rows = {
        one.name: (mine, my_cpu, mine / wall, my_cpu / cpu)
        for one, (mine, my_cpu) in zip(measured, medians, strict=True)
    }
    return Table(title, columns, rows)


def main() -> None:
    """Runs the benchmark, from command-line arguments."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", type=Path, help="checkout of the commit to compare with")
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
    # What is no passthrough comes behind it.
    starts = summary("from the command to the first record", jobs, base=1)
    tell([starts, summary("the sandbox's once-run", sandboxes, base=0)], options.figures)


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
