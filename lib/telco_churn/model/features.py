"""What a model sees of an event: the features that its manifest names, as the contract has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

from telco_churn.contract.schema import Contract, Field
from telco_churn.errors import ModelError

# Spark also casts "1d", "1f", "NaN" and "Infinity"; a regular expression's `$` lets a newline pass.
_JSON_NUMBER = r"\A-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\z"


@dataclass(frozen=True)
class Features:
    """The columns that a model reads; null and unseen values are allowed in all of them.

    Attributes:
        categories: names of STRING columns.
        numbers: names of DOUBLE columns.
    """

    categories: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return self.categories + self.numbers

    @property
    def schema(self) -> StructType:
        """The columns, as a model gets them."""
        return StructType(
            [StructField(name, StringType()) for name in self.categories]
            + [StructField(name, DoubleType()) for name in self.numbers]
        )


def check_features(features: Features, contract: Contract, label: str | None = None) -> None:
    """Makes sure that events have what the model reads.

    Args:
        features: of the model.
        contract: of the events.
        label: the field that says what came true, which no model may see.

    Raises:
        ModelError: a feature is no field of the contract, one of another type, or the label; names
            the file and the field.
    """
    fields = {field.name: field for field in contract.fields}
    for name in features.names:
        wanted = "a number" if name in features.numbers else "text"
        if name not in fields:
            _refuse(contract, f"has no property {name}, which the model reads as {wanted}")
        if name == label:
            _refuse(contract, f"property {name} is the label, and the model reads it")
        # The columns that a model adds begin so.
        if name.startswith("_"):
            _refuse(contract, f"property {name} begins with _, which no feature may")
        is_number = fields[name].is_number
        if is_number != (name in features.numbers):
            given = "a number" if is_number else "text"
            _refuse(contract, f"property {name} is {given}, which the model reads as {wanted}")


def feature_cols(event: Column, features: Features, contract: Contract) -> dict[str, Column]:
    """The model's columns, by name: STRING and DOUBLE.

    Args:
        event: STRUCT, as the contract reads it: of a valid event, or of whatever came.
        features: of the model.
        contract: of the events.

    Raises:
        ModelError: like `check_features`.
    """
    check_features(features, contract)
    fields = {field.name: field for field in contract.fields}
    categories = {name: event[name] for name in features.categories}
    return categories | {name: _number_of(fields[name], event[name]) for name in features.numbers}


def _number_of(field: Field, value: Column) -> Column:
    # A number or a text by the contract, so `from_json` reads it as STRING; in a valid event a cast
    # is enough.
    return or_blank(field, value, value.try_cast("double")) if field.branches else value


def or_blank(field: Field, text: Column, number: Column) -> Column:
    """`number` (DOUBLE), but for blank text what the contract says that it stands for."""
    if field.blank is None:
        return number
    return F.when(F.trim(text) == "", F.lit(field.blank)).otherwise(number)


def number_col(text: Column) -> Column:
    """The finite number (DOUBLE) that a STRING column holds in JSON's notation, or null.

    Never throws, with ANSI mode on either.
    """
    number = text.try_cast("double")
    is_finite = F.abs(number) < F.lit(float("inf"))
    return F.when(text.rlike(_JSON_NUMBER) & is_finite, number)


def _refuse(contract: Contract, fault: str) -> NoReturn:
    raise ModelError(
        f"contract {contract.name}: {fault}; take a model that was fitted to such events "
        "(--model-path), or the contract that this one was fitted to (--contract)"
    )
