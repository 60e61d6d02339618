"""What the plan reports about its records: times of steps, outcomes, broken rules by field."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from stream_telemetry.batch.observation import Observation

ERROR_TYPES = ("validation_error", "processing_error", "inference_error", "unknown_error")
MESSAGE, OTHER_FIELD = "message", "unknown"
"""What violations of no field, or of one that the contract does not name, count as."""


def make_observation(fields: Sequence[str]) -> Observation:
    """What the plan observes; `fields` are those of the contract."""
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
        fields=(*fields, MESSAGE, OTHER_FIELD),
    )


def with_violation_counts(checked: DataFrame, fields: Sequence[str]) -> DataFrame:
    """Adds `violation_counts` ARRAY<FLOAT>: broken rules of each field, null for a valid record.

    Args:
        checked: with `violations` ARRAY<STRUCT<field, code, message>>.
        fields: of the contract; counts for `MESSAGE` and `OTHER_FIELD` follow theirs.
    """
    named = F.coalesce(F.col("violations")["field"], F.array())
    known = F.array(*map(F.lit, fields))
    # FLOAT, because `vector_sum` takes no other type.
    of_known = F.transform(
        known, lambda name: F.size(F.filter(named, lambda field: field == name)).cast("float")
    )
    of_message = F.size(F.filter(named, F.isnull)).cast("float")
    of_others = F.size(
        F.filter(named, lambda field: field.isNotNull() & ~F.array_contains(known, field))
    ).cast("float")
    counts = F.concat(of_known, F.array(of_message, of_others))
    # Null for the many valid records, which leaves `vector_sum` little to add.
    return checked.withColumn("violation_counts", F.when(F.size("violations") > 0, counts))
