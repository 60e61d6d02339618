"""Each classifier is fitted, judged, saved, and loaded by the job as something compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
from churn_kind import CHURN
from pyspark.sql import SparkSession

from churn_tools.training.classifiers import CLASSIFIERS, NAMES
from churn_tools.training.data import read_customers
from churn_tools.training.fit import train
from churn_tools.training.report import report
from churn_tools.training.saving import save_model
from telco_churn.model.loading import load_model

QUICK = "dt"


@pytest.mark.parametrize(
    "word",
    [
        QUICK,
        *(
            pytest.param(word, marks=pytest.mark.slow)
            for word in sorted(CLASSIFIERS.keys() - {"lr", QUICK})
        ),
    ],
)
def test_a_classifier_is_trained_judged_and_compiled(
    spark: SparkSession, training_csv: Path, tmp_path: Path, word: str
) -> None:
    customers = read_customers(spark, training_csv, CHURN)
    trained = train(customers, CHURN, seed=1, version=word, description="", classifier=word)
    evaluation = trained.manifest.evaluation
    assert evaluation is not None
    assert evaluation.auc > 0.75
    save_model(trained.pipeline, trained.manifest, tmp_path / word)
    loaded = load_model(tmp_path / word)
    assert loaded.is_compiled
    assert NAMES[loaded.manifest.classifier or ""] in report(loaded.manifest)
