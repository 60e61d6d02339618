"""What the stages before the trees make of the columns, as Spark does it: null, NaN and all.

A stage that is set to skip rows or to throw (`handleInvalid`) cannot do so in an expression. It
is noted for which rows it would.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from pyspark.sql import Column
from pyspark.sql import functions as F

from telco_churn.model.spark_ml.saved_stages import SavedStage
from telco_churn.model.spark_trees.bucketing import bucket_col, outside_cols
from telco_churn.model.spark_trees.elements import (
    Element,
    NotRestatedError,
    Number,
    OneOf,
    Scalar,
    Vector,
)
from telco_churn.model.spark_trees.lookup import lookup_col
from telco_churn.model.spark_trees.scaling import scaled

_UNSEEN = -1.0


@dataclass
class Preparation:
    """The columns of a pipeline as far as it has been gone through.

    Attributes:
        columns: by name; a plain column is of type STRING.
        refused: BOOLEAN columns, each true for rows that Spark would drop or throw at.
    """

    columns: dict[str, Column | Scalar | Vector]
    refused: list[Column] = field(default_factory=list)

    def apply(self, stage: SavedStage) -> None:
        """Goes through one stage.

        Raises:
            NotRestatedError: it is of another kind, or set or joined in another way.
        """
        match stage.kind:
            case "StringIndexerModel":
                self._index(stage)
            case "OneHotEncoderModel":
                self._encode(stage)
            case "ImputerModel":
                self._impute(stage)
            case "Bucketizer":
                self._put_in_buckets(stage)
            case "VectorAssembler":
                self._assemble(stage)
            case _:
                given = self.vector(stage, stage.settings["inputCol"])
                self.columns[stage.settings["outputCol"]] = scaled(stage, given)

    def vector(self, stage: SavedStage, name: str) -> Vector:
        """The column `name`, which `stage` takes for vectors."""
        found = self.columns.get(name)
        if not isinstance(found, Vector):
            raise NotRestatedError(f"{stage.uid} reads {name!r}, which holds no vectors")
        return found

    def _scalar(self, stage: SavedStage, name: str) -> Scalar:
        found = self.columns.get(name)
        if not isinstance(found, Scalar):
            raise NotRestatedError(f"{stage.uid} reads {name!r}, which holds no numbers")
        return found

    def _index(self, stage: SavedStage) -> None:
        (row,) = stage.rows
        keeps = _keeps(stage)
        for (name, output), labels in zip(_pairs(stage), row["labelsArray"], strict=True):
            found = self.columns.get(name)
            if found is None or isinstance(found, Vector):
                raise NotRestatedError(f"{stage.uid} reads {name!r}, which holds no text")
            text = found.value.cast("string") if isinstance(found, Scalar) else found
            codes = {label: float(code) for code, label in enumerate(labels)}
            code = lookup_col(text, codes, len(labels) if keeps else _UNSEEN)
            if not keeps:
                self.refused.append(code == _UNSEEN)
            self.columns[output] = Scalar(code, len(labels) + keeps)

    def _encode(self, stage: SavedStage) -> None:
        (row,) = stage.rows
        keeps = _keeps(stage)
        for (name, output), size in zip(_pairs(stage), row["categorySizes"], strict=True):
            given = self._scalar(stage, name)
            width = size + keeps - bool(stage.settings["dropLast"])
            if given.codes is not None and given.codes <= size:
                hot = tuple(OneOf(given, code) for code in range(width))
                self.columns[output] = Vector(hot)
            else:
                self.columns[output] = self._encoded(given.value, size, width, keeps)

    def _encoded(self, value: Column, size: int, width: int, keeps: bool) -> Vector:
        """The vectors of numbers that may be no codes."""
        is_code = (value >= 0) & (value < size)
        if not keeps:
            self.refused.append(~is_code)
        code = F.when(is_code, F.floor(value)).otherwise(F.lit(size))
        elements = [
            F.when(value.isNull(), F.lit(math.nan)).otherwise((code == place).cast("double"))
            for place in range(width)
        ]
        return Vector(tuple(map(Number, elements)), is_null=value.isNull())

    def _impute(self, stage: SavedStage) -> None:
        (row,) = stage.rows
        missing = stage.settings["missingValue"]
        for name, output in _pairs(stage):
            value = self._scalar(stage, name).value
            is_missing = value.isNull() | (value == F.lit(float(missing)))
            imputed = F.when(is_missing, F.lit(row[name])).otherwise(value)
            self.columns[output] = Scalar(imputed)

    def _put_in_buckets(self, stage: SavedStage) -> None:
        pairs = list(_pairs(stage))
        given = stage.settings.get("splitsArray") if "inputCols" in stage.settings else None
        for (name, output), texts in zip(pairs, given or [stage.settings["splits"]], strict=True):
            splits = [float(split) for split in texts]
            value = self._scalar(stage, name).value
            self.refused.extend(outside_cols(value, splits))
            match stage.settings["handleInvalid"]:
                case "error":
                    self.refused.append(F.isnan(value))
                case "skip":
                    self.refused.append(value.isNull() | F.isnan(value))
            self.columns[output] = Scalar(bucket_col(value, splits))

    def _assemble(self, stage: SavedStage) -> None:
        keeps = _keeps(stage)
        parts: list[tuple[Element, ...]] = []
        for name in stage.settings["inputCols"]:
            match self.columns.get(name):
                case Scalar(value, codes):
                    filled = value if codes else F.coalesce(value, F.lit(math.nan))
                    parts.append((Number(filled),))
                    invalid = None if codes else F.isnan(filled)
                case Vector(elements, invalid):
                    parts.append(elements)
                case _:
                    raise NotRestatedError(f"{stage.uid} reads {name!r}, which is no number")
            if not keeps and invalid is not None:
                self.refused.append(invalid)
        self.columns[stage.settings["outputCol"]] = Vector(tuple(chain(*parts)))


def _keeps(stage: SavedStage) -> bool:
    return bool(stage.settings["handleInvalid"] == "keep")


def _pairs(stage: SavedStage) -> Iterator[tuple[str, str]]:
    """Names of input and output, whether the stage is set for one column or for several."""
    settings = stage.settings
    if "inputCols" in settings:
        return zip(settings["inputCols"], settings["outputCols"], strict=True)
    return iter([(settings["inputCol"], settings["outputCol"])])
