"""A pipeline as Spark saved it, read by the driver itself.

Spark's own loader reads every file by a job. On a cluster its tasks run where the files need not
be, and in a JVM that has just started it takes ten times the CPU.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from py4j.java_gateway import JavaObject
from pyspark.ml.linalg import DenseVector, Matrix, MatrixUDT, SparseVector, VectorUDT
from pyspark.sql import SparkSession

from telco_churn.errors import ModelError
from telco_churn.model.manifest import HOW_TO_MEND
from telco_churn.model.spark_ml.saved_trees import TREES, Tree, trees_of
from telco_churn.model.spark_ml.table_limits import Texts, check_extent

MOST_NUMBERS = 10_000_000
"""Of a vector or a matrix: a sparse one says how large it is without having any of them."""
PIPELINE = "org.apache.spark.ml.PipelineModel"
"""The class of a pipeline; it is a stage itself, and may lie in another."""


@dataclass(frozen=True)
class SavedStage:
    """One stage of a pipeline.

    Attributes:
        metadata: what Spark wrote of it, a JSON document.
        class_name: its Java class.
        uid: its name, which is also part of its directory's.
        settings: every parameter that has a value, by name; defaults too.
        rows: what it was fitted to, as lists and dictionaries; none for a stage without a fit.
        trees: what it was fitted to if that are trees.
    """

    metadata: str
    class_name: str
    uid: str
    settings: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    trees: Sequence[Tree] = ()

    @property
    def kind(self) -> str:
        """The name of its class, without the package."""
        return self.class_name.rpartition(".")[2]


def read_stages(directory: Path) -> tuple[SavedStage, ...]:
    """The stages of the pipeline in `directory`, in order; one within another takes its place.

    The files must be verified before. Needs a JVM with Spark's classes, but no executor.

    Raises:
        ModelError: the files are not those of a saved pipeline.
        Py4JError: the JVM cannot read a file.
    """
    try:
        return tuple(_with_fit(place, stage) for place, stage in outline(directory))
    except (OSError, LookupError, TypeError, ValueError) as error:
        fault = f"{directory} is not a saved pipeline ({error!r})"
        raise ModelError(f"{fault}; {HOW_TO_MEND}") from error


def vector(fields: Mapping[str, Any]) -> DenseVector | SparseVector:
    """The vector in a row of a stage."""
    _check_size(fields["size"])
    found = VectorUDT().deserialize(tuple(fields[name] for name in VectorUDT.sqlType().names))
    assert isinstance(found, DenseVector | SparseVector)
    return found


def matrix(fields: Mapping[str, Any]) -> Matrix:
    """The matrix in a row of a stage."""
    _check_size(fields["numRows"], fields["numCols"])
    return MatrixUDT().deserialize(tuple(fields[name] for name in MatrixUDT.sqlType().names))


def _check_size(*lengths: int | None) -> None:
    # A dense vector is as long as its values are, and does not say so.
    numbers = math.prod(length or 0 for length in lengths)
    if not 0 <= numbers <= MOST_NUMBERS:
        raise ValueError(f"a vector or matrix of {numbers:,} numbers; {MOST_NUMBERS:,} at most")


def outline(directory: Path) -> Iterator[tuple[Path, SavedStage]]:
    """Each stage without its fit, and where it is; needs no JVM and loads nothing.

    Raises:
        OSError: a file is missing.
        LookupError: a stage's metadata lacks a part.
        TypeError: they are of another shape.
        ValueError: they are no JSON, or no single line.
    """
    metadata = _metadata(directory)
    document = json.loads(metadata)
    if document["class"] == PIPELINE:
        uids = document["paramMap"]["stageUids"]
        for place, uid in enumerate(uids):
            yield from outline(directory / "stages" / stage_name(place, uid, len(uids)))
        return
    settings = document["defaultParamMap"] | document["paramMap"]
    yield directory, SavedStage(metadata, document["class"], document["uid"], settings, [])


def stage_name(place: int, uid: str, count: int) -> str:
    """The name of a stage's directory: Spark pads its number to the width of the count."""
    return f"{place:0{len(str(count))}}_{uid}"


def _with_fit(directory: Path, stage: SavedStage) -> SavedStage:
    if stage.kind in TREES:
        texts = Texts()
        nodes = (texts.taken(group.toString()) for group in _groups(directory / "data"))
        return replace(stage, trees=trees_of(nodes, _rows(directory / "treesMetadata")))
    return replace(stage, rows=list(_rows(directory / "data")))


def _metadata(directory: Path) -> str:
    parts = sorted(directory.glob("metadata/part-*"))
    (line,) = (line for part in parts for line in part.read_bytes().splitlines() if line)
    return line.decode()


def _rows(directory: Path) -> Iterator[dict[str, Any]]:
    texts = Texts()
    return (_struct(group, texts) for group in _groups(directory))


def _groups(directory: Path) -> Iterator[JavaObject]:
    """The rows of a table of parquet files."""
    jvm = SparkSession.active().sparkContext._jvm
    assert jvm is not None
    parquet = jvm.org.apache.parquet.hadoop
    sources = sorted(directory.glob("part-*"))
    check_extent(jvm, sources)
    for source in sources:
        # As a URI, or a cluster's default file system would give another file, not verified.
        path = jvm.org.apache.hadoop.fs.Path(f"file://{source.resolve()}")
        reader = parquet.ParquetReader.builder(parquet.example.GroupReadSupport(), path).build()
        try:
            while (group := reader.read()) is not None:
                yield group
        finally:
            reader.close()


def _struct(group: JavaObject, texts: Texts) -> dict[str, Any]:
    schema = group.getType()
    fields: dict[str, Any] = {}
    for place in range(schema.getFieldCount()):
        field = schema.getType(place)
        count = group.getFieldRepetitionCount(place)
        values = [_value(group, field, place, nth, texts) for nth in range(count)]
        if str(field.getRepetition()) == "REPEATED":
            fields[field.getName()] = values
        else:
            fields[field.getName()] = values[0] if values else None
    return fields


def _value(group: JavaObject, field: JavaObject, place: int, nth: int, texts: Texts) -> Any:
    if not field.isPrimitive():
        struct = _struct(group.getGroup(place, nth), texts)
        return _elements(struct) if str(field.getLogicalTypeAnnotation()) == "LIST" else struct
    match str(field.asPrimitiveType().getPrimitiveTypeName()):
        case "BINARY":
            return texts.taken(group.getString(place, nth))
        case "BOOLEAN":
            return group.getBoolean(place, nth)
        case "DOUBLE":
            return group.getDouble(place, nth)
        case "INT32":
            return group.getInteger(place, nth)
        case other:
            raise TypeError(f"a field of type {other}")


def _elements(struct: Mapping[str, Any]) -> list[Any]:
    """A list's elements: parquet wraps the list in a group, and often each element in one more."""
    (repeated,) = struct.values()
    return [next(iter(e.values())) if isinstance(e, dict) else e for e in repeated]
