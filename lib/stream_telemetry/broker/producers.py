"""Whether records still go out while a batch lasts: what Kafka's producers in this JVM say.

A sink that takes little makes no more sound than one that hangs; only the producers' own counts
tell the two apart. They are those of this process, so of a local master; executors elsewhere have
theirs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from py4j.java_gateway import JavaGateway
from py4j.protocol import Py4JError
from pyspark import SparkContext

from stream_telemetry.health import Health
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.run.worker import Worker

ASK_SECONDS = 5.0
QUIET_SECONDS = 15.0
"""Nobody asks as long as the query itself is heard of more often."""
_END_SECONDS = 1.0
_BEANS = "kafka.producer:type=producer-metrics,client-id=*"
_COUNTS = {"record-send-total": 1, "record-retry-total": -1, "record-error-total": -1}
"""What is sent again makes no way. Only a few requests may be under way, so that the sum grows for
longer than a moment means that a broker takes what comes."""


class JvmProducers:
    """Kafka's Java producers in the JVM of this process."""

    def __init__(self) -> None:
        """Connects to the JVM, which is there."""
        jvm, gateway = SparkContext._jvm, SparkContext._gateway
        assert jvm is not None
        assert gateway is not None
        self._jvm: Any = jvm
        self._gateway: JavaGateway = gateway
        self._server = jvm.java.lang.management.ManagementFactory.getPlatformMBeanServer()
        # The server's own class is not for strangers; its interface is.
        known = jvm.java.lang.Class.forName("javax.management.MBeanServerConnection")
        self._methods = {method.getName(): method for method in known.getMethods()}

    def sent(self) -> float:
        """Records that they have sent, each counted once; raises Py4JError."""
        names = self._call("queryNames", self._jvm.javax.management.ObjectName(_BEANS), None)
        return sum(
            sign * float(self._call("getAttribute", name, count))
            for name in self._jvm.java.util.ArrayList(names)
            for count, sign in _COUNTS.items()
        )

    def _call(self, method: str, *values: object) -> Any:
        given = self._gateway.new_array(self._jvm.java.lang.Object, len(values))
        for position, value in enumerate(values):
            given[position] = value
        return self._methods[method].invoke(self._server, given)


class SinkWatch:
    """Lets health know that records go out, while no batch ends."""

    def __init__(self, producers: JvmProducers, store: MetricStore, health: Health) -> None:
        """Prepares the thread.

        Args:
            producers: are asked.
            store: gets the number of the thread's errors.
            health: is asked for the query's silence, and told of the sink's signs of life.
        """
        self._producers = producers
        self._health = health
        self._before: float | None = None
        self._worker = Worker("sink", self._step, store, health)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """A block in which the query runs."""
        self._worker.start()
        try:
            yield
        finally:
            self._worker.end(_END_SECONDS)

    def _step(self) -> float:
        if self._health.silence < QUIET_SECONDS:
            self._before = None
            return ASK_SECONDS
        try:
            sent = self._producers.sent()
        except (Py4JError, OSError):
            # A producer was closed meanwhile, or the JVM has ended: others tell of that.
            return ASK_SECONDS
        if self._before is not None and sent > self._before:
            self._health.sink_heard()
        self._before = sent
        return ASK_SECONDS
