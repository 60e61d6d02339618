"""The scalers of Spark ML, element by element: the same operations in the same order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from telco_churn.model.spark_ml.saved_stages import SavedStage, vector
from telco_churn.model.spark_trees.elements import NotRestatedError, Vector, changed

Scale = Callable[[Any], Any]
"""Takes a column as well as a plain number."""


def scaled(stage: SavedStage, vectors: Vector) -> Vector:
    """What a scaler makes of the vectors.

    Raises:
        NotRestatedError: it may meet a null, or one of its factors is not finite.
    """
    if vectors.is_null is not None:
        raise NotRestatedError(f"{stage.uid} may be given a null")
    each = zip(vectors.elements, _scales(stage), strict=True)
    return Vector(tuple(changed(element, scale) for element, scale in each))


def _scales(stage: SavedStage) -> Iterator[Scale]:
    (row,) = stage.rows
    settings = stage.settings
    match stage.kind:
        case "StandardScalerModel":
            shifts = _numbers(row["mean"]) if settings["withMean"] else repeat(None)
            factors = _inverse(row["std"], 0.0) if settings["withStd"] else repeat(None)
            return map(_affine, shifts, factors)
        case "RobustScalerModel":
            shifts = _numbers(row["median"]) if settings["withCentering"] else repeat(None)
            factors = _inverse(row["range"], 0.0) if settings["withScaling"] else repeat(None)
            return map(_affine, shifts, factors)
        case "MaxAbsScalerModel":
            return map(_affine, repeat(None), _inverse(row["maxAbs"], 1.0))
        case "MinMaxScalerModel":
            return _into_range(row, settings["min"], settings["max"])
        case other:
            raise NotRestatedError(other)


def _affine(shift: float | None, factor: float | None) -> Scale:
    # What Spark makes of 0 times infinity depends on the form of its vector.
    if factor is not None and not math.isfinite(factor):
        raise NotRestatedError(f"a scaler that multiplies by {factor}")

    def scale(number: Any) -> Any:
        moved = number if shift is None else number - shift
        return moved if factor is None else moved * factor

    return scale


def _into_range(row: Mapping[str, Any], least: float, most: float) -> Iterator[Scale]:
    lows, highs = _numbers(row["originalMin"]), _numbers(row["originalMax"])
    for low, high in zip(lows, highs, strict=True):
        if high == low:
            yield _constant((least + most) / 2)
        else:
            yield _moved(_affine(low, (most - least) / (high - low)), least)


def _moved(scale: Scale, by: float) -> Scale:
    return lambda number: scale(number) + by


def _constant(value: float) -> Scale:
    def scale(number: Any) -> Any:
        if isinstance(number, Column):
            return F.when(F.isnan(number), number).otherwise(value)
        return value

    return scale


def _numbers(fields: Mapping[str, Any]) -> list[float]:
    numbers: list[float] = vector(fields).toArray().tolist()
    return numbers


def _inverse(fields: Mapping[str, Any], of_zero: float) -> list[float]:
    return [1.0 / number if number else of_zero for number in _numbers(fields)]
