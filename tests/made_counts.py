"""Counts of records, made up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stream_telemetry.drift.counting import ModelCounts
from stream_telemetry.drift.reference import Category, Number, Reference

REFERENCE = Reference(
    categories={"contract": Category({"month": 0.5, "year": 0.5})},
    numbers={"tenure": Number((12.0, 24.0), (0.5, 0.25, 0.25))},
    scores=(0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.0),
    rows=100_000,
    threshold=0.5,
    brier=0.1,
)
CELLS = {"month": 1, "year": 2, "tenure": 3, "12": 4, "24": 5}


def made(
    records: int = 100,
    sampled: int | None = None,
    labelled: Mapping[tuple[str, int, int], int] | None = None,
    **cells: float,
) -> ModelCounts:
    """Records that are as in training, but for what is given.

    Args:
        records: all of them, with scores as in training.
        sampled: those whose features are counted; None for all.
        labelled: records by label, decision (0, 1) and tenth of the score, in place of the others.
        cells: shares of the sampled that are counted in a cell.
    """
    sampled = records if sampled is None else sampled
    shares = {"month": 0.5, "year": 0.5, "tenure": 1, "12": 0.5, "24": 0.25, **cells}
    counted = np.zeros(len(CELLS) + 1)
    counted[0] = sampled
    for name, place in CELLS.items():
        counted[place] = sampled * shares[name]
    outcomes = np.zeros((3, 2, 11))
    usual = {("", 0, tenth): records * share for tenth, share in enumerate(REFERENCE.scores)}
    for (label, decided, tenth), number in (labelled or usual).items():
        outcomes[("", "no", "yes").index(label), decided, tenth] = number
    sums = [outcomes.sum() * 0.25, outcomes[1:].sum() * 0.125]
    return ModelCounts(outcomes, np.array(sums), counted)
