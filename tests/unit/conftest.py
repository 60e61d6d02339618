from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping

import pytest
from churn_kind import CATEGORICAL_FEATURES, FEATURES_SCHEMA, NUMERIC_FEATURES
from process_logging import logging_as_before
from pyspark.sql import DataFrame, SparkSession

from launcher.cache.class_archive import VARIABLE, Mode
from launcher.java import use_chosen_java
from telco_churn.query.session import SQL_SETTINGS

__all__ = ["logging_as_before"]

# A test may use class archives, and leaves nobody behind who makes one.
os.environ.setdefault(VARIABLE, Mode.USE)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    use_chosen_java()
    # Plans that run once or twice are compiled for nothing by the JVM's second compiler.
    os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    session = (
        SparkSession.builder.master("local[2]")
        .appName("unit tests")
        .config(map=SQL_SETTINGS)
        .config("spark.sql.shuffle.partitions", 2)
        .config("spark.ui.enabled", False)
        .config("spark.ui.showConsoleProgress", False)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def to_features(spark: SparkSession) -> Callable[[Iterable[Mapping[str, object]]], DataFrame]:
    """Customers as the model reads them, in one partition and in their order."""

    def convert(customers: Iterable[Mapping[str, object]]) -> DataFrame:
        rows = [
            [customer[name] for name in CATEGORICAL_FEATURES]
            + [_number(customer[name]) for name in NUMERIC_FEATURES]
            for customer in customers
        ]
        return spark.createDataFrame(rows, FEATURES_SCHEMA).coalesce(1)

    return convert


def _number(value: object) -> float | None:
    return None if value is None else float(str(value).strip() or 0)
