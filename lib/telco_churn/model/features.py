"""What the model sees of a customer."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

CATEGORICAL_FEATURES = (
    "gender",
    "Partner",
    "Dependents",
    "PhoneService",
    "MultipleLines",
    "InternetService",
    "OnlineSecurity",
    "OnlineBackup",
    "DeviceProtection",
    "TechSupport",
    "StreamingTV",
    "StreamingMovies",
    "Contract",
    "PaperlessBilling",
    "PaymentMethod",
)
"""STRING columns, as the contract names them."""

NUMERIC_FEATURES = ("SeniorCitizen", "tenure", "MonthlyCharges", "TotalCharges")
"""DOUBLE columns: 0 or 1, months, USD a month, USD."""

FEATURES_SCHEMA = StructType(
    [StructField(name, StringType()) for name in CATEGORICAL_FEATURES]
    + [StructField(name, DoubleType()) for name in NUMERIC_FEATURES]
)
"""The columns that a model reads; null and unseen values are allowed in all of them."""

# Spark also casts "1d", "1f", "NaN" and "Infinity"; a regular expression's `$` lets a newline pass.
_JSON_NUMBER = r"\A-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?\z"


def number_col(text: Column) -> Column:
    """The finite number (DOUBLE) that a STRING column holds in JSON's notation, or null.

    Never throws, with ANSI mode on either.
    """
    number = text.try_cast("double")
    is_finite = F.abs(number) < F.lit(float("inf"))
    return F.when(text.rlike(_JSON_NUMBER) & is_finite, number)


def total_charges_col(text: Column) -> Column:
    """TotalCharges (USD, DOUBLE) from a STRING column such as `29.85`, `1e3` or blank.

    Blank is 0.0, because the public set leaves it blank in a customer's first month; null when
    the text is null or not a number.
    """
    return F.when(F.trim(text) == "", F.lit(0.0)).otherwise(number_col(text))


def valid_charges_col(text: Column) -> Column:
    """Like `total_charges_col`, for text that already follows the contract: a cast is enough."""
    return F.when(F.trim(text) == "", F.lit(0.0)).otherwise(text.try_cast("double"))
