"""The model as plain numbers, for a scorer without Spark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from launcher.java import use_chosen_java
from telco_churn.model.compiled_score import CompiledScorer
from telco_churn.model.loading import Model, load_model
from telco_churn.paths import project_home


@dataclass(frozen=True)
class Weights:
    """Log odds are the intercept, a term for each category and one for each unit of a number."""

    intercept: float
    categories: Mapping[str, Mapping[str, float]]  # feature -> value -> term
    numbers: Mapping[str, float]
    threshold: float
    version: str


def read_weights(path: Path) -> Weights:
    """The weights that `write_weights` wrote."""
    return Weights(**json.loads(path.read_text("utf-8")))


def write_weights(path: Path, weights: Weights) -> None:
    """Keeps the weights as JSON."""
    path.write_text(json.dumps(asdict(weights)), "utf-8")


def weights_of(model: Model) -> Weights:
    """The weights of a compiled model.

    Raises:
        ValueError: the model is not compiled.
    """
    scorer = model.scorer
    if not isinstance(scorer, CompiledScorer):
        raise ValueError(f"model {model.manifest.version} is not a sum of weights")
    return Weights(
        scorer.intercept,
        {name: category.terms for name, category in scorer.categories.items()},
        scorer.numbers,
        model.manifest.threshold,
        model.manifest.version,
    )


def prepare_weights(path: Path) -> None:
    """Writes the shipped model's weights to a file, for the loop."""
    use_chosen_java()
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", False)
        .config("spark.ui.showConsoleProgress", False)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    write_weights(path, weights_of(load_model(project_home() / "models" / "churn")))
    spark.stop()
