from __future__ import annotations

from pathlib import Path

import pytest
from churn_kind import CHURN
from pyspark.sql import SparkSession

from churn_tools.training.data import read_customers, write_synthetic_csv
from churn_tools.training.fit import TrainedModel, train

CUSTOMERS = 1_500


@pytest.fixture(scope="session")
def training_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of `CUSTOMERS` synthetic customers, seed 4."""
    path = tmp_path_factory.mktemp("data") / "customers.csv"
    write_synthetic_csv(path, CUSTOMERS, seed=4)
    return path


@pytest.fixture(scope="session")
def trained(spark: SparkSession, training_csv: Path) -> TrainedModel:
    """A model that was fitted to them."""
    customers = read_customers(spark, training_csv, CHURN)
    return train(customers, CHURN, seed=1, version="test-1", description="a test")
