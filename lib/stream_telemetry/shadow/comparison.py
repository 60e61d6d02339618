"""What the plan counts of a shadow: how its scores and decisions differ from the model's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pyspark.sql import Column
from pyspark.sql import functions as F

from stream_telemetry.batch.buckets import count_numbers_col, read_counts
from stream_telemetry.drift.reference import Counts

_SHAPE = (3, 2, 3)
_NUMBERS = int(np.prod(_SHAPE))
_SUMS = ("scores", "differences", "squared_errors")
_FAILED = 2


@dataclass(frozen=True)
class ShadowCounts:
    """Of some good records. They can be added and subtracted.

    Attributes:
        outcomes: records by label (unknown, no, yes), decision of the model (no, yes) and answer of
            the shadow (no, yes, failed).
        sums: of the shadow's scores, of their distances from the model's, and of the squared errors
            of those with a label.
    """

    outcomes: Counts
    sums: Counts

    @property
    def records(self) -> int:
        """All of them."""
        return round(float(self.outcomes.sum()))

    @property
    def scored(self) -> int:
        """Those that the shadow gave a probability."""
        return round(float(self.outcomes[..., :_FAILED].sum()))

    @property
    def labelled(self) -> int:
        """Those of them that have a label."""
        return round(float(self.outcomes[1:, :, :_FAILED].sum()))

    @property
    def positive(self) -> float:
        """Those that the shadow would have decided with yes."""
        return float(self.outcomes[..., 1].sum())

    @property
    def disagreeing(self) -> float:
        """Those that it would have decided otherwise than the model did."""
        return float(self.outcomes[:, 0, 1].sum() + self.outcomes[:, 1, 0].sum())

    def __add__(self, other: ShadowCounts) -> ShadowCounts:
        """Of all records of both."""
        return ShadowCounts(self.outcomes + other.outcomes, self.sums + other.sums)

    def __sub__(self, other: ShadowCounts) -> ShadowCounts:
        """Of the records that are left without those of the other."""
        return ShadowCounts(self.outcomes - other.outcomes, self.sums - other.sums)


@dataclass(frozen=True)
class ShadowCounting:
    """How a plan counts, for the `Observation` that carries the counts to the driver.

    Attributes:
        threshold: least score that makes a record a positive one, of the model that decides.
        shadow_threshold: the same of the shadow.
        has_labels: whether records may have a label.
    """

    threshold: float
    shadow_threshold: float
    has_labels: bool = False

    @property
    def none(self) -> ShadowCounts:
        """The counts of no record."""
        return ShadowCounts(np.zeros(_SHAPE), np.zeros(len(_SUMS)))

    def record_col(self, score: Column, shadow: Column, label: Column) -> Column:
        """STRUCT: all that is counted of a good record.

        Args:
            score: DOUBLE, 0 to 1, of the model that decides.
            shadow: DOUBLE, of the shadow; anything but 0 to 1 is a failure.
            label: BIGINT, as `ModelCounting.label_col` gives it; not read without labels.
        """
        columns = {"score": score, "shadow": shadow}
        if self.has_labels:
            columns["label"] = label
        return F.struct(*(column.alias(name) for name, column in columns.items()))

    def aggregates(self, record: str) -> dict[str, Column]:
        """What `observe()` is to compute, by name.

        They do the sums, although the interpreter does these: so the plan names the shadow's score
        once, and needs no projection to hold it.

        Args:
            record: name of the column that has `record_col`, null for records that are not good.
        """
        score, shadow = F.col(f"{record}.score"), F.col(f"{record}.shadow")
        # NaN is beyond any number in Spark.
        is_scored = shadow.between(0.0, 1.0)
        answer = F.when(is_scored, (shadow >= self.shadow_threshold).cast("long"))
        number = F.coalesce(answer, F.lit(_FAILED))
        number += (score >= self.threshold).cast("long") * _SHAPE[2]
        summed = {"scores": shadow, "differences": F.abs(shadow - score)}
        if self.has_labels:
            label = F.col(f"{record}.label")
            number += label * (_SHAPE[1] * _SHAPE[2])
            error = shadow - (label - 1)
            summed["squared_errors"] = F.when(label > 0, error * error)
        sums = {name: F.sum(F.when(is_scored, value)) for name, value in summed.items()}
        named = {"numbers": count_numbers_col(number), **sums}
        return {f"shadow_{name}": column for name, column in named.items()}

    def read(self, row: Mapping[str, Any]) -> ShadowCounts:
        """The counts of a batch.

        Args:
            row: what `observe()` has computed, by name; empty for a batch without rows.
        """
        numbers = read_counts(row.get("shadow_numbers"), _NUMBERS)
        sums = [row.get(f"shadow_{name}") or 0.0 for name in _SUMS]
        return ShadowCounts(np.array(numbers, np.float64).reshape(_SHAPE), np.array(sums))
