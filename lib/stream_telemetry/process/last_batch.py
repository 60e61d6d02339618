"""The end of a query between two batches: whatever a batch has written is committed.

Spark's own `stop()` cuts off the batch that runs, and what it has written by then comes again with
the next start. To call it in the moment between two batches takes luck, as a query that is behind
begins the next one at once. So Spark is told what `stop()` tells it too, but at a time when no job
is about to be submitted, and the job that runs is let be.
"""

from __future__ import annotations

from typing import Any

from py4j.clientserver import ClientServer
from pyspark import SparkContext
from pyspark.sql.streaming.query import StreamingQuery

_WAITS_FOR_JOB = "DAGScheduler.runJob"
_IS_IDLE = "Waiting for next trigger"


def is_running(query: StreamingQuery) -> bool:
    """Whether the query has not ended; it counts as inactive already while its last batch runs."""
    return query.isActive or bool(_execution(query).queryExecutionThread().isAlive())


class LastBatch:
    """The batch after which a query begins no other one."""

    def __init__(self, query: StreamingQuery) -> None:
        """Nothing is asked of the query yet."""
        self._query = query
        self._is_told = False

    def has_ended(self) -> bool:
        """Whether no batch runs: `stop()` ends the query now, and cuts nothing off.

        To be asked again and again; each time it also lets the query begin no batch any more, until
        there was a time for it.
        """
        if not is_running(self._query):
            return True
        self._is_told = self._is_told or self._tell()
        # Only there has it reported its batch, too.
        return self._is_told and self._query.status["message"] == _IS_IDLE

    def _tell(self) -> bool:
        """Lets no batch begin any more, unless one is being planned."""
        execution, jvm, gateway = _execution(self._query), SparkContext._jvm, SparkContext._gateway
        # The lock knows its thread, and only this gateway gives one of Python its own in the JVM.
        if jvm is None or not isinstance(gateway, ClientServer):
            return False
        # Spark holds it while it looks for new records, and while it commits a batch.
        lock = execution.awaitProgressLock()
        if not lock.tryLock():
            return False
        try:
            thread = execution.queryExecutionThread()
            if self._query.status["isTriggerActive"] and not (
                lock.hasQueuedThread(thread)
                or any(_WAITS_FOR_JOB in str(frame) for frame in thread.getStackTrace())
            ):
                return False
            # A batch that is planned none the less interrupts itself when it sees the state, yet
            # goes on to submit its job, which would run unseen.
            scheduler = execution.sparkSession().sparkContext().dagScheduler()
            scheduler.cancelledJobGroups().add(str(self._query.runId))
            # The gateway knows classes by names, and these two names are Scala's for one object.
            runtime = jvm.org.apache.spark.sql.execution.streaming.runtime
            execution.state().set(getattr(getattr(runtime, "TERMINATED$"), "MODULE$"))
            return True
        finally:
            lock.unlock()


def _execution(query: StreamingQuery) -> Any:
    """What runs the query, behind Spark's public face of it."""
    return query._jsq.streamingQuery()
