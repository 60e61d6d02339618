"""Measures plans against each other: alternating rounds in one process, their lower quartile."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from pyspark.sql import DataFrame, SparkSession

_NANOSECONDS_PER_MICROSECOND = 1_000


@dataclass(frozen=True)
class Variant:
    """A plan to measure.

    Attributes:
        name: what the table calls it.
        plan: every column of it is computed, for every row.
        settings: of Spark SQL, for this plan only.
    """

    name: str
    plan: DataFrame
    settings: Mapping[str, str] = field(default_factory=dict)


class Rounds:
    """Runs variants and keeps for each what it took where little else was in its way."""

    def __init__(self, spark: SparkSession, rows: int) -> None:
        self._spark = spark
        self._rows = rows
        self._groups = count()

    def microseconds_a_row(self, variants: Sequence[Variant], rounds: int) -> dict[str, float]:
        """Core-microseconds a row, by variant: the lower quartile of `rounds`, after some more.

        By turns, each other round the other way about, so that a neighbour who is busy for a while
        slows all of them; and the quartile, as neighbours only ever add. Counted is the processor
        time of the tasks' own threads (Spark's `executorCpuTime`): neither waiting for a core, nor
        the JVM's compiler, which goes on for minutes, nor its garbage collector.
        """
        taken: dict[str, list[float]] = {variant.name: [] for variant in variants}
        to_compile = max(1, rounds // 4)
        for number in range(to_compile + rounds):
            for variant in variants if number % 2 else reversed(variants):
                taken[variant.name].append(self._run(variant) / self._rows)
            sys.stderr.write(f"round {number + 1} of {to_compile + rounds} done\n")
        return {name: _lower_quartile(times[to_compile:]) for name, times in taken.items()}

    def _run(self, variant: Variant) -> float:
        usual = {name: self._spark.conf.get(name) for name in variant.settings}
        group = f"round-{next(self._groups)}"
        self._spark.sparkContext.setJobGroup(group, variant.name)
        self._set(variant.settings)
        variant.plan.write.format("noop").mode("overwrite").save()
        self._set(usual)
        return self._cpu_microseconds(group)

    def _set(self, settings: Mapping[str, str | None]) -> None:
        for name, value in settings.items():
            if value is not None:
                self._spark.conf.set(name, value)

    def _cpu_microseconds(self, group: str) -> float:
        context = self._spark.sparkContext
        scala_context = context._jsc.sc()
        # The figures come by the listener bus, some time after the job is done.
        scala_context.listenerBus().waitUntilEmpty()
        tracker = context.statusTracker()
        jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group)]
        stages = [stage for job in jobs if job for stage in job.stageIds]
        store = scala_context.statusStore()
        used = sum(int(store.lastStageAttempt(stage).executorCpuTime()) for stage in stages)
        return used / _NANOSECONDS_PER_MICROSECOND


def _lower_quartile(times: Sequence[float]) -> float:
    return sorted(times)[len(times) // 4]
