"""A real Kafka broker as a child process."""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from launcher.cache.class_archive import Mode, mode_of
from launcher.cache.training_run import TIME_LIMIT_SECONDS
from launcher.child import Child, complaint_in
from launcher.jvm import java_command
from sandbox.errors import SandboxError
from sandbox.kafka.broker_files import server_properties, write_logging, write_properties
from sandbox.kafka.kafka_jars import kafka_class_path
from sandbox.kafka.secure_listener import PROTOCOL, SecureListener
from sandbox.ports import LOOPBACK, free_port, port_is_free
from telco_churn.query.settings import BrokerSettings

START_LIMIT_SECONDS = 90.0
STOP_LIMIT_SECONDS = 20.0
_TOOL_LIMIT_SECONDS = 60.0
_PORT_TRIES = 3


class KafkaBroker:
    """A single-node Kafka (KRaft) on this machine; use it in a `with` statement.

    It listens on 127.0.0.1 only and dies with the process that started it. After `kill()` or
    `stop()` it can be started again, on the same port and with the same data.

    Attributes:
        directory: Holds its data, its settings and its log.
        log: The broker's own log.
    """

    def __init__(
        self,
        directory: Path,
        port: int = 0,
        overrides: Mapping[str, str] | None = None,
        listener: SecureListener | None = None,
    ) -> None:
        """Prepares a broker.

        Args:
            directory: Where it keeps everything; made when missing.
            port: Port for clients; 0 picks a free one at the first start.
            overrides: Settings of Kafka's server.properties that replace the usual ones.
            listener: Asks clients for TLS and a login.
        """
        self.directory = directory.resolve()
        self.log = self.directory / "broker.log"
        self._data = self.directory / "data"
        self._properties = self.directory / "server.properties"
        self._logging = self.directory / "log4j2.properties"
        self._overrides = {**(listener.overrides if listener else {}), **(overrides or {})}
        self._protocol = PROTOCOL if listener else "PLAINTEXT"
        self._kafka_config = listener.kafka_config if listener else None
        self._port = port
        self._controller_port = 0
        self._ports_are_chosen = port != 0
        self._class_path: list[Path] = []
        self._child: Child | None = None

    @property
    def bootstrap_servers(self) -> str:
        """Address for clients; known once the broker has been started."""
        return f"{LOOPBACK}:{self._port}"

    @property
    def client(self) -> Mapping[str, str]:
        """Settings of librdkafka for its clients; known once the broker has been started."""
        settings = BrokerSettings(broker=self.bootstrap_servers, kafka_config=self._kafka_config)
        return settings.client

    @property
    def pid(self) -> int | None:
        """Process id of the broker while it runs."""
        return self._child.pid if self.is_running and self._child else None

    @property
    def is_running(self) -> bool:
        """Whether the process lives; also true while it is paused."""
        return self._child is not None and self._child.is_running

    def start(self, check: Callable[[], None] = lambda: None) -> Self:
        """Starts the broker; returns when it answers.

        Args:
            check: Called while waiting; what it raises ends the start.

        Raises:
            SandboxError: if it does not start, with the reason and the name of its log.
        """
        if self.is_running:
            return self
        self._class_path = kafka_class_path(check)
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            write_logging(self._logging)
        except OSError as error:
            raise SandboxError(f"cannot write to {self.directory}: {error}") from error
        # Another process may take a free port before Kafka does.
        for tries_left in reversed(range(_PORT_TRIES)):
            self._choose_ports()
            if self._launch(check, may_retry=tries_left > 0):
                break
        self._ports_are_chosen = True
        return self

    def stop(self) -> None:
        """Ends the broker in good order; kills it when that takes too long."""
        if self._child:
            # A class archive is written at the very end.
            is_recording = mode_of(os.environ) is Mode.RECORD
            self._child.stop(TIME_LIMIT_SECONDS if is_recording else STOP_LIMIT_SECONDS)

    def kill(self) -> None:
        """Ends the broker at once (SIGKILL), as a power cut would."""
        if self._child:
            self._child.kill()

    def pause(self) -> None:
        """Freezes the broker (SIGSTOP): connections stay open, nothing is answered."""
        if self._child:
            self._child.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets a paused broker go on (SIGCONT)."""
        if self._child:
            self._child.send(signal.SIGCONT)

    def run_tool(self, main: str, *arguments: str) -> str:
        """The output of one of Kafka's own commands, given by its Java class.

        For example `run_tool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
        "--bootstrap-server", broker.bootstrap_servers, "--list")`.

        Raises:
            SandboxError: if the command fails, with what it complained about.
        """
        command = [*self._java(main), *arguments]
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, timeout=_TOOL_LIMIT_SECONDS, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise SandboxError(f"{main} did not end within {_TOOL_LIMIT_SECONDS:.0f} s") from error
        if result.returncode != 0:
            raise SandboxError(f"{main} failed: {complaint_in(result.stdout + result.stderr)}")
        return result.stdout

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _choose_ports(self) -> None:
        if not self._ports_are_chosen:
            self._port = free_port()
        elif not port_is_free(self._port):
            raise SandboxError(
                f"port {self._port} is taken; stop what listens there, or choose another port"
            )
        if not self._controller_port or not port_is_free(self._controller_port):
            self._controller_port = free_port()
        properties = server_properties(
            self._data, self._port, self._controller_port, self._overrides, self._protocol
        )
        write_properties(self._properties, properties)

    def _launch(self, check: Callable[[], None], may_retry: bool) -> bool:
        """Starts the process once; false if another process took one of its ports meanwhile."""
        if not (self._data / "meta.properties").exists():
            self._format()
        log_start = self.log.stat().st_size if self.log.exists() else 0
        command = [*self._java("kafka.Kafka", is_broker=True), str(self._properties)]
        self._child = Child("Kafka", command, self.log)
        try:
            self._wait_until_ready(self._child, check)
        except BaseException as error:
            self._child.kill()
            written = self.log.read_text(errors="replace")[log_start:]
            # A port that clients know already cannot be exchanged for another one.
            lost_port = isinstance(error, SandboxError) and "BindException" in written
            if lost_port and may_retry and not self._ports_are_chosen:
                return False
            raise
        return True

    def _format(self) -> None:
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        storage = "kafka.tools.StorageTool"
        # As one word: an id may begin with a dash.
        self.run_tool(storage, "format", f"--cluster-id={cluster_id}", "-c", str(self._properties))

    def _java(self, main: str, *, is_broker: bool = False) -> list[str]:
        options = [
            f"-Dlog4j2.configurationFile={self._logging}",
            f"-Dsandbox.log.level={'INFO' if is_broker else 'WARN'}",
        ]
        return java_command(self._class_path, options, main, is_long=is_broker)

    def _wait_until_ready(self, child: Child, check: Callable[[], None]) -> None:
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while not self._answers():
            check()
            if child.exit_code is not None:
                raise SandboxError(
                    f"Kafka ended while it started (exit code {child.exit_code}): "
                    f"{child.complaint()}; see {self.log}"
                )
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"Kafka did not answer within {START_LIMIT_SECONDS:.0f} s; see {self.log}"
                )
            time.sleep(0.1)

    def _answers(self) -> bool:
        """Whether the broker serves metadata and, after a restart, leads all its partitions."""
        # Asked first: a client of a closed port uses up its whole time limit.
        if port_is_free(self._port):
            return False
        try:
            # log_level 0: a refused connection is no news here, and would be printed.
            admin = AdminClient({**self.client, "log_level": 0})
            cluster = admin.list_topics(timeout=1.0)
        except KafkaException:
            return False
        partitions = [p for topic in cluster.topics.values() for p in topic.partitions.values()]
        return bool(cluster.brokers) and all(partition.leader >= 0 for partition in partitions)
