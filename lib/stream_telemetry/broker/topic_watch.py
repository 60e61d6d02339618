"""Whether the topic is still the one that the query began on, asked while the query runs.

Kafka and Spark know topics by name. One that is deleted and made anew has a new id, and a log whose
end was cut off (an unclean election of a leader) has an end that went back; either way Spark would
go on at its old offset, and silently skip everything before it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from py4j.protocol import Py4JError

from stream_telemetry.batch.progress import Positions
from stream_telemetry.broker.admin import AdminError, KnownTopic
from stream_telemetry.broker.partitions import Bounds
from stream_telemetry.health import Health
from stream_telemetry.metrics import catalogue
from stream_telemetry.metrics.store import MetricStore
from stream_telemetry.run.worker import Worker

ASK_SECONDS = 3.0

Rights = Mapping[tuple[str, str], bool]
"""By operation and resource, whether it is missing."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Standing:
    """Where the topic's partitions begin and end, and where the query is in them."""

    bounds: Bounds
    positions: Positions


class TopicWatch:
    """Ends the run when a topic that it reads was replaced; logs when another one was."""

    def __init__(
        self,
        read: Mapping[str, str | None],
        ask: Callable[[], Mapping[str, KnownTopic]],
        on_change: Callable[[str], None],
        *,
        goes_back: bool,
        rights: Callable[[Mapping[str, KnownTopic]], Rights] = lambda _: {},
    ) -> None:
        """Prepares the watch.

        Args:
            read: the topics that are read, by name: their ids as the run began on them.
            ask: gives them, and others that are only told of, by name; raises AdminError.
            on_change: called once, with what has happened, when the query must not go on.
            goes_back: whether the query, where the end of a partition goes back, goes there too.
            rights: says what of its rights the user lacks, by what `ask` has given.
        """
        self._read = frozenset(read)
        self._ask = ask
        self._on_change = on_change
        self._goes_back = goes_back
        self._rights = rights
        self._ids = dict(read)
        self._now: Standing | None = None
        self._before: Standing | None = None
        self._found: str | None = None
        self._has_ended = False
        self._store: MetricStore | None = None
        self._worker: Worker | None = None
        self._look: Callable[[], None] = lambda: None

    def start(self, store: MetricStore, health: Health, look: Callable[[], None]) -> None:
        """Begins to ask.

        Args:
            store: gets the number of records that are lost.
            health: gets to know whether the thread is well.
            look: makes `note` be called soon.
        """
        self._store, self._look = store, look
        self._worker = Worker("topics", self._step, store, health)
        self._worker.start()

    def finish(self, timeout: float) -> None:
        """Asks no more."""
        if self._worker:
            self._worker.end(timeout)

    def note(self, bounds: Bounds, positions: Positions) -> None:
        """Takes what the broker has just told of the offsets; never waits."""
        self._now = Standing(bounds, positions)
        before = self._before
        if self._worker and (self._found or (before and _went_back(before, self._now))):
            self._worker.wake()

    def _step(self) -> float:
        if self._has_ended:
            return math.inf
        # Taken before the question, so it belongs to the topic of the answer or to an older one.
        now, found = self._now, self._found
        if found is not None:
            self._end_anew(found, now)
            return math.inf
        self._found = self._compare_ids()
        if self._found is not None:
            # The length of the new one says how much of it was skipped.
            self._now = None
            self._look()
        elif now is not None:
            self._compare_offsets(now)
        return ASK_SECONDS

    def _compare_ids(self) -> str | None:
        """What has happened to a topic of the query's, if it is another one."""
        try:
            found = self._ask()
        except (AdminError, Py4JError, OSError) as error:
            # The broker is away, a topic is missing for a moment, the JVM has ended: others report
            # that.
            log.debug("the broker does not tell who the topics are: %s", error)
            return None
        assert self._store is not None
        for right, is_missing in self._rights(found).items():
            self._store.set(catalogue.RIGHT_MISSING, float(is_missing), *right)
        changed = None
        for name, topic in found.items():
            # Where the checkpoint has no id, the first one that is told is taken for the right one.
            known = self._ids.get(name) or topic.id
            self._ids[name] = topic.id or known
            if topic.id and known != topic.id:
                what = f"{name} has been deleted and made anew (id {known} then, {topic.id} now)"
                if name in self._read:
                    changed = what
                else:
                    log.warning("topic %s: what was in it is gone", what)
        return changed

    def _end_anew(self, found: str, now: Standing | None) -> None:
        if self._before is None or now is None:
            self._end(found)
            return
        lost = _passed_over(self._before, now)
        self._count(lost)
        self._end(f"{found}; {sum(lost.values())} records are lost or were passed over")

    def _compare_offsets(self, now: Standing) -> None:
        before, self._before = self._before, now
        gone = sorted(_went_back(before, now)) if before else []
        if before is None or not gone:
            return
        self._count({key: _cut_off(before, now, key) for key in gone})
        key, end = gone[0], now.bounds.ends.get(gone[0])
        if end is None:
            self._end(f"{key[0]} has no partition {key[1]} any more: it has been made anew")
            return
        what = (
            f"the end of {key[0]}-{key[1]} went back from {before.bounds.ends[key]} to {end}: "
            "Kafka has lost records (a leader that was not in sync), or the topic is another one"
        )
        read = before.positions.get(key, 0)
        if read > end and not self._goes_back:
            self._end(f"{what}; the query had read up to {read}")
        else:
            log.warning("%s", what)

    def _count(self, lost: Mapping[tuple[str, int], int]) -> None:
        assert self._store is not None
        for (topic, partition), records in lost.items():
            self._store.add(catalogue.RECORDS_LOST, records, topic, str(partition))

    def _end(self, what: str) -> None:
        self._has_ended = True
        self._on_change(what)


def _went_back(before: Standing, now: Standing) -> set[tuple[str, int]]:
    """Partitions that are gone, or whose end is before the one that was seen."""
    ends = now.bounds.ends
    return {key for key, end in before.bounds.ends.items() if ends.get(key, -1) < end}


def _cut_off(before: Standing, now: Standing, key: tuple[str, int]) -> int:
    """Records of a partition that are gone before the query has read them."""
    read = max(before.positions.get(key, 0), now.bounds.ends.get(key, 0))
    return max(0, before.bounds.ends[key] - read)


def _passed_over(before: Standing, now: Standing) -> dict[tuple[str, int], int]:
    """Of each partition, what was not read of the old topic and is not read of the new one."""
    return {
        key: max(0, end - before.positions.get(key, 0))
        + max(
            0,
            min(before.positions.get(key, 0), now.bounds.ends.get(key, 0))
            - now.bounds.beginnings.get(key, 0),
        )
        for key, end in before.bounds.ends.items()
    }
