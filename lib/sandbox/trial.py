"""One run of the sandbox: a broker, a producer and the job, from start to clean end."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from launcher.child import Child
from launcher.submit.command import Submission
from sandbox.early_job.gate import Gate
from sandbox.errors import SandboxError
from sandbox.interrupts import Interrupted, Interrupts
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.secure_listener import make_secure_listener
from sandbox.kafka.topics import CustomerTopics
from sandbox.plan import Plan
from sandbox.ports import port_is_free
from sandbox.results.addresses import Addresses
from sandbox.results.preview import Preview
from sandbox.results.summary import summarise
from sandbox.scratch import scratch_directory
from stream_telemetry.options import OFF
from telco_churn.errors import ChurnStreamError
from telco_churn.paths import project_home

_PRODUCER: Final = project_home() / "jobs" / "produce_customers.py"
_PRODUCER_STOP_SECONDS: Final = 10.0
_JOB_STOP_SECONDS: Final = 30.0
_UNACCOUNTED: Final = 5
# Ended by our SIGTERM before it had its own way to end: as Python and as a shell report it.
_STOPPED: Final = (0, -15, 143)
# Without the JVM's second compiler the first result takes half the work (30 instead of 52
# core-seconds, measured); the price is a top speed that nobody asks of a sandbox.
_FAST_START: Final = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
# A sandbox that is forgotten for days must not fill the disk.
_BROKER_SETTINGS: Final = {
    "log.segment.bytes": str(64 * 1024 * 1024),
    "log.retention.bytes": str(256 * 1024 * 1024),
}


def run(plan: Plan, submission: Submission) -> int:
    """Runs the sandbox until it is done or somebody stops it; leaves nothing behind.

    After an error the scratch directory stays, for the logs in it.

    Returns:
        The exit code: 0, or 5 when events are unaccounted for.

    Raises:
        SandboxError: if something fails; its exit code is the job's where the job failed.
    """
    with Interrupts() as interrupts:
        scratch = scratch_directory()
        try:
            exit_code = _run_in(scratch, plan, submission, interrupts.check)
        except ChurnStreamError as error:
            raise SandboxError(f"{error} (all logs: {scratch})", error.exit_code) from error
        shutil.rmtree(scratch, ignore_errors=True)
        return exit_code


def _run_in(scratch: Path, plan: Plan, submission: Submission, check: Callable[[], None]) -> int:
    trial = Trial(scratch, plan, submission, check)
    exit_code = 0
    with trial:
        try:
            trial.prepare()
            exit_code = trial.run_once() if plan.is_once else trial.stream()
        except Interrupted:
            _say("Stopping ...")
    trial.require_clean_end()
    _say("Stopped; nothing is left running.")
    return exit_code


class Trial:
    """The parts of a run; leaving its `with` block ends them, producer first, broker last."""

    def __init__(
        self, scratch: Path, plan: Plan, submission: Submission, check: Callable[[], None]
    ) -> None:
        self._scratch = scratch
        self._plan = plan
        self._submission = submission
        self._check = check
        self._topics = CustomerTopics()
        self._gate = Gate(scratch / "gate")
        self._listener = make_secure_listener(scratch / "access") if plan.is_secure else None
        self._broker = KafkaBroker(
            scratch / "kafka", overrides=_BROKER_SETTINGS, listener=self._listener
        )
        self._producer: Child | None = None
        self._job: Child | None = None
        self._console = scratch / "job.log"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._producer:
            self._producer.stop(_PRODUCER_STOP_SECONDS)
        if self._job:
            self._job.stop(_JOB_STOP_SECONDS)
        self._broker.stop()

    def prepare(self) -> None:
        """Starts the broker and makes the topics; the job is started too, and waits at its gate.

        Raises:
            SandboxError: if that fails, or a port that the job needs is taken.
        """
        port = self._plan.metrics_port
        if port is not None and not port_is_free(port):
            raise SandboxError(
                f"port {port}, for the metrics, is taken; stop what listens there, or choose "
                "another: --metrics-port 8001, or 0 for any"
            )
        _say("Starting Kafka ...")
        self._job = self._start_job()
        self._broker.start(self._check)
        self._topics.create(self._broker.client)
        _say(f"Kafka is up at {self._broker.bootstrap_servers}, with the topics")
        _say(f"  {self._topics.raw}, {self._topics.predictions}, {self._topics.dead_letters}")
        if self._listener:
            _say(f"It asks for TLS and a login: --kafka-config {self._listener.kafka_config}")

    def run_once(self) -> int:
        """Feeds the events, lets the job score them, and prints what the topics hold then.

        Returns:
            0 if each event became one prediction or dead letter, else 5.
        """
        _say(f"Feeding {self._plan.batch_events:,} made-up customers ...")
        self._producer = self._start_producer(self._plan.batch_events, rate=0)
        self._wait_for(self._producer)
        _say("Running the job on them (Spark takes a few seconds to start) ...")
        self._wait_for(self._let_job_begin())
        summary = summarise(self._broker.client, self._topics)
        _say(f"\n{summary}\n")
        return 0 if summary.is_balanced else _UNACCOUNTED

    def stream(self) -> int:
        """Feeds and scores until somebody interrupts it; shows the first results.

        Raises:
            Interrupted: when asked to stop.
            SandboxError: if the producer or the job ends by itself.
        """
        feed = self._plan.feed
        _say(f"Feeding made-up customers, {feed.rate:g} a second, and starting the job ...")
        self._producer = self._start_producer(feed.events or 0, feed.rate)
        self._let_job_begin()
        _say(f"  Kafka     {self._broker.bootstrap_servers}")
        _say(f"  console of the job: {self._console}")
        _say("The first results come in about half a minute; Ctrl-C stops everything.")
        addresses = Addresses(self._console)
        preview = Preview(self._broker.client, self._topics)
        try:
            while True:
                self._check()
                self._require_running()
                for line in (*addresses.new_lines(), *preview.new_lines()):
                    _say(line)
                time.sleep(0.2)
        finally:
            preview.close()

    def require_clean_end(self) -> None:
        """Complains if the job, asked to stop, ended in another way than it should.

        Raises:
            SandboxError: with the end of its output and its exit code.
        """
        if self._job and self._job.exit_code not in _STOPPED:
            raise _failure(self._job)

    def _start_producer(self, events: int, rate: float) -> Child:
        command = [
            *(sys.executable, str(_PRODUCER)),
            *(*self._way_in(), "--topic", self._topics.raw),
            *("--synthetic", str(events), "--rate", f"{rate:g}"),
            # Broken records are to reach the job, so the producer does not check them.
            *("--bad-ratio", f"{self._plan.feed.bad_ratio:g}", "--no-validate"),
        ]
        return Child("the producer", command, self._scratch / "producer.log")

    def _start_job(self) -> Child:
        command = [
            *self._submission.command,
            *("--input-topic", self._topics.raw),
            *("--output-topic", self._topics.predictions),
            *("--deadletter-topic", self._topics.dead_letters),
            *("--checkpoint", str(self._scratch / "checkpoint")),
            # Also where the environment or the job's file names another one.
            *("--contract", str(project_home() / "conf" / "contracts")),
        ]
        given = self._submission.environment
        options = f"{_FAST_START} {given.get('SPARK_SUBMIT_OPTS', '')}"
        environment = {**given, "SPARK_SUBMIT_OPTS": options.strip(), **self._gate.environment}
        return Child("the job", command, self._console, environment)

    def _let_job_begin(self) -> Child:
        self._gate.open(self._way_in())
        assert self._job is not None, "prepare() comes first"
        return self._job

    def _way_in(self) -> list[str]:
        # Also where there is none, for one that the environment or the job's file names.
        kafka_config = str(self._listener.kafka_config) if self._listener else OFF
        return ["--broker", self._broker.bootstrap_servers, "--kafka-config", kafka_config]

    def _wait_for(self, child: Child) -> None:
        while child.is_running:
            self._check()
            time.sleep(0.1)
        if child.exit_code != 0:
            raise _failure(child)

    def _require_running(self) -> None:
        if self._job and not self._job.is_running:
            raise _failure(self._job)
        if self._producer and not self._producer.is_running:
            if not self._plan.feed.events or self._producer.exit_code != 0:
                raise _failure(self._producer)
            _say(
                f"All {self._plan.feed.events:,} customers are sent; the job goes on until Ctrl-C."
            )
            # It has ended by itself; this dismisses its watchdog.
            self._producer.kill()
            self._producer = None


def _failure(child: Child) -> SandboxError:
    """What to say of a child that should not have ended, with a shell's number for a signal."""
    code = child.exit_code or 1
    return SandboxError(
        f"{child.name} ended with exit code {child.exit_code}: {child.last_lines(3)}",
        exit_code=code if code > 0 else 128 - code,
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
