from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from churn_kind import CHURN
from pyspark.ml import Estimator, Pipeline, PipelineModel, Transformer
from pyspark.ml.classification import GBTClassifier
from pyspark.ml.feature import IndexToString, OneHotEncoder, StringIndexer, VectorAssembler
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from churn_tools.models.version_store import Store
from churn_tools.training.data import LABEL, read_customers, write_synthetic_csv

TEXTS, NUMBERS = ("Contract", "InternetService"), ("tenure", "MonthlyCharges")


@pytest.fixture(scope="session")
def customers_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 1,000 synthetic customers, seed 8."""
    path = tmp_path_factory.mktemp("data") / "customers.csv"
    write_synthetic_csv(path, 1_000, seed=8)
    return path


@pytest.fixture(scope="session")
def someones_model(spark: SparkSession, customers_csv: Path) -> PipelineModel:
    """As people fit them who do not know of this job: few features, names of their own.

    The label is indexed within it, and the prediction is turned into a word.
    """
    customers = read_customers(spark, customers_csv, CHURN).withColumn(
        "Churn", F.when(F.col(LABEL) == 1, "Yes").otherwise("No")
    )
    stages: list[Estimator[Any] | Transformer] = [
        StringIndexer(inputCol="Churn", outputCol="churned"),
        StringIndexer(
            inputCols=list(TEXTS), outputCols=[f"{t}_index" for t in TEXTS], handleInvalid="keep"
        ),
        OneHotEncoder(
            inputCols=[f"{t}_index" for t in TEXTS],
            outputCols=[f"{t}_vec" for t in TEXTS],
            handleInvalid="keep",
        ),
        VectorAssembler(
            inputCols=[*(f"{t}_vec" for t in TEXTS), *NUMBERS],
            outputCol="features",
            handleInvalid="keep",
        ),
        GBTClassifier(labelCol="churned", maxIter=2, maxDepth=3, seed=1),
        IndexToString(inputCol="prediction", outputCol="will_leave", labels=["No", "Yes"]),
    ]
    return Pipeline(stages=stages).fit(customers.drop(LABEL))


@pytest.fixture(scope="session")
def someones_directory(
    someones_model: PipelineModel, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Where Spark has saved it."""
    path = tmp_path_factory.mktemp("elsewhere") / "my model"
    someones_model.write().save(f"file://{path}")
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store, and a job without a model."""
    return Store(tmp_path / "models" / "versions", tmp_path / "models" / "churn")
