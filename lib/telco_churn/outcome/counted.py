"""What the plan reports about its records: times of steps, outcomes, broken rules by field."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from stream_telemetry.batch.interpreted import data_col, let
from stream_telemetry.batch.observation import Observation
from stream_telemetry.drift.counting import ModelCounting
from stream_telemetry.shadow.comparison import ShadowCounting

ERROR_TYPES = ("validation_error", "processing_error", "inference_error", "unknown_error")
MESSAGE, OTHER_FIELD = "message", "unknown"
"""What violations of no field, or of one that the contract does not name, count as."""


def make_observation(
    fields: Sequence[str],
    model: ModelCounting | None = None,
    shadow: ShadowCounting | None = None,
) -> Observation:
    """What the plan observes.

    Args:
        fields: of the contract.
        model: how the model is watched, once it is known.
        shadow: how another one is compared to it.
    """
    return Observation(
        operations={
            "validation": ("started_ns", "validated_ns"),
            "transformation": ("validated_ns", "featured_ns"),
            "inference": ("featured_ns", "scored_ns"),
            "total": ("started_ns", "scored_ns"),
        },
        finished="scored_ts",
        outcome="error_type",
        error_types=ERROR_TYPES,
        violations="violation_counts",
        fields=counted_fields(fields),
        model=model,
        shadow=shadow,
        headers="headers",
    )


def counted_fields(fields: Sequence[str]) -> tuple[str, ...]:
    """Those of a contract, and what a violation counts as that is of none of them."""
    # A contract may have a field of such a name; it shares the label then.
    return tuple(dict.fromkeys((*fields, MESSAGE, OTHER_FIELD)))


def violation_counts_col(fields: Sequence[str]) -> Column:
    """ARRAY<FLOAT>: broken rules of each field, null for a valid record.

    Reads `violations` ARRAY<STRUCT<field, code, message>>.

    Args:
        fields: of the contract; counts for `MESSAGE` and `OTHER_FIELD` follow theirs.
    """
    known = data_col(list(fields), "array<string>")
    counted = data_col(list(counted_fields(fields)), "array<string>")
    name = F.transform(
        F.col("violations")["field"],
        lambda field: (
            F.when(field.isNull(), MESSAGE)
            .when(F.array_contains(known, field), field)
            .otherwise(OTHER_FIELD)
        ),
    )
    # FLOAT, because `vector_sum` takes no other type.
    counts = let(
        name,
        lambda names: F.transform(
            counted,
            lambda one: F.size(F.filter(names, lambda name: name == one)).cast("float"),
        ),
    )
    # Null for the many valid records, which leaves `vector_sum` little to add.
    return F.when(F.size("violations") > 0, counts)
