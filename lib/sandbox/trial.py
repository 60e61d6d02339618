"""One run of the sandbox: a broker, a producer and the job, from start to clean end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from launcher.cache.class_archive import Mode, mode_of
from launcher.child import Child
from launcher.submit.command import Submission
from sandbox.early_job.gate import Gate
from sandbox.errors import SandboxError
from sandbox.feeding import Feeding
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.secure_listener import make_secure_listener
from sandbox.kafka.topics import CustomerTopics
from sandbox.monitoring.programs import answers
from sandbox.plan import Plan
from sandbox.ports import port_is_free
from sandbox.results.addresses import Addresses
from sandbox.results.preview import Preview
from sandbox.results.start_stages import Progress
from sandbox.results.summary import summarise
from sandbox.show.beside import Beside
from stream_telemetry.options import OFF
from telco_churn.paths import own_contracts

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
        log = scratch / "producer.log"
        self._feeding = Feeding(plan.feed, self._topics.raw, self._way_in, log)
        self._job: Child | None = None
        self._console = scratch / "job.log"
        self._beside = Beside(plan, scratch / "monitoring", check)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._feeding.stop()
        if self._job:
            self._job.stop(_JOB_STOP_SECONDS)
        self._broker.stop()
        # The last to go: its programs have seen the end of the others.
        self._beside.close()

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
        say("Starting Kafka ...")
        self._job = self._start_job()
        self._broker.start(self._check)
        self._topics.create(self._broker.client)
        say(f"Kafka is up at {self._broker.bootstrap_servers}, with the topics")
        say(f"  {self._topics.raw}, {self._topics.predictions}, {self._topics.dead_letters}")
        if self._listener:
            say(f"It asks for TLS and a login: --kafka-config {self._listener.kafka_config}")

    def run_once(self) -> int:
        """Feeds the events, lets the job score them, and prints what the topics hold then.

        Returns:
            0 if each event became one prediction or dead letter, else 5.
        """
        say(f"Feeding {self._plan.batch_events:,} made-up customers ...")
        self._wait_for(self._feeding.start(self._plan.batch_events, rate=0))
        say("Running the job on them (Spark takes a few seconds to start) ...")
        self._wait_for(self._let_job_begin())
        summary = summarise(self._broker.client, self._topics)
        say(f"\n{summary}\n")
        return 0 if summary.is_balanced else _UNACCOUNTED

    def stream(self) -> int:
        """Feeds and scores until somebody interrupts it; shows the first results.

        Raises:
            Interrupted: when asked to stop.
            SandboxError: if the producer or the job ends by itself, or an alert of a scenario
                does not come.
        """
        say(f"Starting the job; console of the job: {self._console}. Ctrl-C stops everything.")
        self._let_job_begin()
        progress = Progress(self._console)
        others = {"Kafka": self._broker.bootstrap_servers, **self._beside.addresses}
        addresses = Addresses(self._console, others, _answers)
        preview = Preview(self._broker.client, self._topics)
        play = self._beside.play_on(self)
        try:
            while True:
                self._check()
                for line in progress.new_lines():
                    say(line)
                # Events that are sent when the query is about to start have their answers soon.
                if not self._feeding.has_begun and progress.is_about_to_start:
                    self._feed()
                self._require_running()
                for line in (*addresses.new_lines(is_up=preview.has_begun), *preview.new_lines()):
                    say(line)
                for line in play.new_lines() if play and preview.is_over else ():
                    say(line)
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

    def cut_kafka_off(self) -> None:
        """Ends the broker as a power cut would."""
        self._broker.kill()

    def bring_kafka_back(self) -> None:
        """Starts the broker again, with all that it had."""
        self._broker.start(self._check)

    def feed(self, *options: str) -> None:
        """Sends other customers from now on; no options: the usual ones."""
        self._feeding.stream(*options)

    def _feed(self) -> None:
        say(f"Feeding made-up customers, {self._plan.feed.rate:g} a second")
        self._feeding.stream()

    def _start_job(self) -> Child:
        command = [
            *self._submission.command,
            *("--input-topic", self._topics.raw),
            *("--output-topic", self._topics.predictions),
            *("--deadletter-topic", self._topics.dead_letters),
            *("--checkpoint", str(self._scratch / "checkpoint")),
            # Also where the environment or the job's file names another one.
            *("--contract", str(own_contracts())),
        ]
        given = self._submission.environment
        # An archive remembers which compiler a method has had, so one for all jobs needs both.
        is_recording = mode_of(given) is Mode.RECORD
        options = f"{'' if is_recording else _FAST_START} {given.get('SPARK_SUBMIT_OPTS', '')}"
        environment = {**given, "SPARK_SUBMIT_OPTS": options.strip(), **self._gate.environment}
        return Child("the job", command, self._console, environment)

    def _let_job_begin(self) -> Child:
        if self._beside.is_wanted:
            say("Starting Prometheus and its like ...")
        self._gate.open([*self._way_in(), *self._plan.chosen_trigger, *self._beside.start()])
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
        self._beside.require_running()
        child, events = self._feeding.child, self._plan.feed.events
        if child and not child.is_running:
            if not events or child.exit_code != 0:
                raise _failure(child)
            say(f"All {events:,} customers are sent; the job goes on until Ctrl-C.")
            self._feeding.forget()


def _answers(address: str) -> bool:
    # The first request to its page makes Spark load a web framework.
    return answers(address, seconds=10.0)


def _failure(child: Child) -> SandboxError:
    """What to say of a child that should not have ended, with a shell's number for a signal."""
    code = child.exit_code or 1
    return SandboxError(
        f"{child.name} ended with exit code {child.exit_code}: {child.last_lines(3)}",
        exit_code=code if code > 0 else 128 - code,
    )


def say(text: str) -> None:
    """Tells the person who waits."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
