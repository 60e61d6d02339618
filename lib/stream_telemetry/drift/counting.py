"""What the plan counts of a model: its scores and decisions, the bins of its features, its errors.

Scores, decisions and labels are counted of every good record. The features' bins take longer than
all that together, so they are counted of a part of the records: shares are as good of a sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pyspark.sql import Column
from pyspark.sql import functions as F

from stream_telemetry.batch.interpreted import data_col
from stream_telemetry.drift.reference import Counts, Number, Reference

TENTHS = 10
ONE_IN = 16
"""Features are counted of one record in so many; a power of two."""

_NO, _YES = 1, 2
_LOWEST = -float(np.finfo(np.float64).max)
_SHAPE = (3, 2, TENTHS + 1)  # the score 1 is above all tenths
_SUMS = ("scores", "squared_errors")


@dataclass(frozen=True)
class ModelCounts:
    """Of some records. They can be added and subtracted.

    Attributes:
        outcomes: records by label (unknown, no, yes), decision (no, yes) and tenth of the score; a
            score at a bound belongs to the tenth above it.
        sums: of the scores, and of the squared errors of those with a label.
        cells: as `Reference.binned` takes them.
    """

    outcomes: Counts
    sums: Counts
    cells: Counts

    @property
    def records(self) -> int:
        """All of them."""
        return round(float(self.outcomes.sum()))

    @property
    def by_tenth(self) -> Counts:
        """Records by tenth of the score."""
        return _tenths(self.outcomes.sum(axis=(0, 1)))

    @property
    def labelled_by_tenth(self) -> Counts:
        """Records with the label no, and with yes, by tenth of the score."""
        return _tenths(self.outcomes[1:].sum(axis=1))

    @property
    def sampled(self) -> int:
        """Those whose features were counted."""
        return round(float(self.cells[0]))

    def __add__(self, other: ModelCounts) -> ModelCounts:
        """Of all records of both."""
        return ModelCounts(
            self.outcomes + other.outcomes, self.sums + other.sums, self.cells + other.cells
        )

    def __sub__(self, other: ModelCounts) -> ModelCounts:
        """Of the records that are left without those of the other."""
        return ModelCounts(
            self.outcomes - other.outcomes, self.sums - other.sums, self.cells - other.cells
        )


@dataclass(frozen=True)
class ModelCounting:
    """How a plan counts, for the `Observation` that carries the counts to the driver.

    Attributes:
        reference: what the model was fitted to.
        labels: what the label column holds for no and for yes; empty without labels.
        kinds: of good records, which are told apart by label, decision and tenth of the score.
    """

    reference: Reference
    labels: tuple[str, ...] = ()
    kinds: ClassVar[int] = int(np.prod(_SHAPE))

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the columns of `figure_cols`."""
        return ("kind", "score", "cells", *(("error",) if self.labels else ()))

    @property
    def cells(self) -> int:
        """How many elements `cells_col` has."""
        return 1 + sum(one.cells for one in self.reference.known.values())

    @property
    def none(self) -> ModelCounts:
        """The counts of no record."""
        return ModelCounts(np.zeros(_SHAPE), np.zeros(len(_SUMS)), np.zeros(self.cells))

    def cells_col(self, features: Mapping[str, Column]) -> Column:
        """ARRAY<FLOAT>: what is counted of a record's features; null for one that is left out.

        Reads `offset` BIGINT.

        Args:
            features: by name, STRING and DOUBLE; null is allowed.
        """
        # By a hash: where transactions are of one record each, all offsets may be odd.
        is_counted = F.hash("offset").bitwiseAND(F.lit(ONE_IN - 1)) == 0
        reference = self.reference
        values = {name: list(one.shares) for name, one in reference.categories.items() if one.cells}
        numbers = {name: one for name, one in reference.numbers.items() if one.cells}
        parts = [F.lit(np.ones(1, np.float32))]
        if values:
            parts.append(_named(values, features))
        if numbers:
            parts.append(_reached(numbers, features))
        return F.when(is_counted, F.concat(*parts))

    def label_col(self, label: Column) -> Column:
        """BIGINT: 1 for no, 2 for yes, 0 for what is neither.

        Args:
            label: STRING.
        """
        no, yes = self.labels
        return F.when(label == no, _long(_NO)).when(label == yes, _long(_YES)).otherwise(_long(0))

    def figure_cols(self, score: Column, cells: Column, label: Column) -> dict[str, Column]:
        """What is counted of a record, by name: `kind` BIGINT, the others as they are given.

        Those of a record that is not good can be anything; they are passed over.

        Args:
            score: DOUBLE, 0 to 1.
            cells: from `cells_col`.
            label: from `label_col`; not read where there are no labels.
        """
        decision = F.when(score >= self.reference.threshold, _long(TENTHS + 1)).otherwise(_long(0))
        kind = F.floor(score * TENTHS) + decision
        if not self.labels:
            return {"kind": kind, "score": score, "cells": cells}
        error = F.when(label == _YES, score - 1).when(label == _NO, score)
        kind += label * _long(2 * (TENTHS + 1))
        return {"kind": kind, "score": score, "cells": cells, "error": error}

    def aggregates(self, prefix: str, is_good: Column) -> dict[str, Column]:
        """What `observe()` is to compute besides the number of records of each kind, by name.

        Args:
            prefix: begins the names of the columns that have `figure_cols`.
            is_good: BOOLEAN.
        """

        def good(figure: str) -> Column:
            return F.when(is_good, F.col(f"{prefix}{figure}"))

        sums = {"model_scores": F.sum(good("score"))}
        if self.labels:
            sums["model_squared_errors"] = F.sum(good("error") * F.col(f"{prefix}error"))
        return {**sums, "model_cells": F.call_function("vector_sum", good("cells"))}

    def read(self, kinds: Sequence[int], row: Mapping[str, Any]) -> ModelCounts | None:
        """The counts of a batch; None if it was counted for another model, with other features.

        Args:
            kinds: how many records of each kind it had.
            row: what `observe()` has computed, by name; empty for a batch without rows.
        """
        # `vector_sum` gives null where no record was counted.
        cells = np.array(row.get("model_cells") or [0.0] * self.cells, np.float64)
        if len(cells) != self.cells:
            return None
        sums = [row.get(f"model_{name}") or 0.0 for name in _SUMS]
        return ModelCounts(np.array(kinds, np.float64).reshape(_SHAPE), np.array(sums), cells)


def _tenths(counts: Counts) -> Counts:
    """The same without a part of its own for the score 1, which the last tenth holds."""
    tenths = counts[..., :TENTHS].copy()
    tenths[..., -1] += counts[..., TENTHS]
    return tenths


def _named(values: Mapping[str, list[str]], features: Mapping[str, Column]) -> Column:
    """ARRAY<FLOAT>: 1 for each value that a feature has, 0 for its others."""
    known = data_col(list(values.values()), "array<array<string>>")
    cells = F.zip_with(
        F.array(*(features[name] for name in values)),
        known,
        lambda has, ones: F.transform(ones, lambda one: one.eqNullSafe(has).cast("float")),
    )
    return F.flatten(cells)


def _reached(numbers: Mapping[str, Number], features: Mapping[str, Column]) -> Column:
    """ARRAY<FLOAT>: 1 for not null, and for each edge that a number reaches."""
    edges = data_col([[_LOWEST, *one.edges] for one in numbers.values()], "array<array<double>>")
    cells = F.zip_with(
        F.array(*(features[name] for name in numbers)),
        edges,
        lambda value, ones: F.transform(
            ones, lambda one: F.coalesce(value >= one, F.lit(False)).cast("float")
        ),
    )
    return F.flatten(cells)


def _long(number: int) -> Column:
    # A number without a type would be INT, and widened for each record.
    return F.lit(number).cast("long")
