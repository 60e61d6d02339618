"""The end of a query between two batches: whatever a batch has written is committed.

Spark's own `stop()` cuts off the batch that runs, and what it has written by then comes again with
the next start. To call it in the moment between two batches takes luck, as one that is behind
begins the next batch at once. But Spark looks whether the query was stopped before each batch, and
once more before the batch writes anything, so it is told that and nothing else.
"""

from __future__ import annotations

from pyspark import SparkContext
from pyspark.sql.streaming.query import StreamingQuery


def is_running(query: StreamingQuery) -> bool:
    """Whether the query has not ended; it counts as inactive already while its last batch runs."""
    return bool(query._jsq.streamingQuery().queryExecutionThread().isAlive())


class LastBatch:
    """The batch after which a query begins no other one."""

    def __init__(self, query: StreamingQuery) -> None:
        """Lets the query begin no batch any more; one that writes already goes on to its end."""
        self._query = query
        # The gateway knows classes by names, and these two names are Scala's for one object.
        runtime = SparkContext._jvm.org.apache.spark.sql.execution.streaming.runtime  # type: ignore[union-attr]
        terminated = getattr(getattr(runtime, "TERMINATED$"), "MODULE$")
        query._jsq.streamingQuery().state().set(terminated)

    def has_ended(self) -> bool:
        """Whether no batch runs: `stop()` ends the query now, and cuts nothing off."""
        return not is_running(self._query) or not self._query.status["isTriggerActive"]
