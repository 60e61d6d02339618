"""Reads events and checks them against the contract, each record on its own.

Two ways: a usual message is accepted at a glance, by the shape of its text and a few limits; for
every other one, right or wrong, the rules are gone through one by one.
"""

from __future__ import annotations

import secrets

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telco_churn.contract.framing import has_other_schema_col, payload_col
from telco_churn.contract.limits import MAX_EVENT_BYTES, bytes_col, fits_col
from telco_churn.contract.rules import VIOLATIONS_TYPE, accepts_col
from telco_churn.contract.schema import Contract
from telco_churn.contract.settings import SchemaIds
from telco_churn.contract.shape import shape_pattern
from telco_churn.contract.violations import violations_col

_ANY_SCHEMA = SchemaIds()
# Spark's defaults accept single quotes and NaN, which RFC 8259 does not know.
_STRICT_JSON = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}


class EventParser:
    """Turns records into events, and says what is wrong with those that are none."""

    def __init__(self, contract: Contract, schema_ids: SchemaIds = _ANY_SCHEMA) -> None:
        self._contract = contract
        self._schema_ids = schema_ids
        self._mark = secrets.token_hex(8)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the contract's fields."""
        return tuple(field.name for field in self._contract.fields)

    def event_col(self) -> Column:
        """STRUCT: the contract's fields in BINARY `value`, null where they cannot be read.

        A schema's id before the message is passed over; what is too large is not read.
        """
        text = F.when(bytes_col("value") <= MAX_EVENT_BYTES, payload_col().cast("string"))
        return F.from_json(text, self._contract.schema, _STRICT_JSON)

    def violations_col(self) -> Column:
        """ARRAY<STRUCT<field, code, message>>: every rule that a record breaks; empty if valid.

        Reads `key`, `value`, `headers` and `event`, as `event_col` gives it.
        """
        none = F.array().cast(VIOLATIONS_TYPE)
        found = violations_col(self._contract, self._schema_ids, self._mark)
        return F.when(self.is_accepted_col(), none).otherwise(found)

    def is_accepted_col(self) -> Column:
        """BOOLEAN, null counts as false: the record is surely valid; reads what the others do."""
        text = payload_col().cast("string")
        is_accepted = text.rlike(shape_pattern(self._contract)) & fits_col()
        if self._schema_ids.encoded:
            is_accepted = is_accepted & ~has_other_schema_col(self._schema_ids)
        return is_accepted & accepts_col(self._contract, F.col("event"))

    def checked(self, records: DataFrame) -> DataFrame:
        """`records` with `event` and `violations`; for whoever has no projections of his own."""
        events = records.withColumn("event", self.event_col())
        return events.withColumn("violations", self.violations_col())
