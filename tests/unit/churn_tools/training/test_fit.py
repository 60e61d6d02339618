"""Training: what is fitted, how it is judged, and the command that does both."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from churn_kind import CATEGORICAL_FEATURES, CHURN, CSV_COLUMNS, NUMERIC_FEATURES
from customer_csv import write_csv
from pyspark.sql import SparkSession
from saved_models import SHIPPED, copy_of

from churn_tools.training.command import main
from churn_tools.training.data import read_customers
from churn_tools.training.fit import TrainedModel, train
from churn_tools.training.report import report
from telco_churn.errors import SettingsError
from telco_churn.model.loading import load_model
from telco_churn.paths import project_home

CUSTOMERS = 1_500


def test_the_model_is_judged_on_customers_that_it_was_not_fitted_to(trained: TrainedModel) -> None:
    manifest = trained.manifest
    assert manifest.evaluation is not None
    assert (manifest.rows or 0) + manifest.evaluation.rows == CUSTOMERS
    assert manifest.evaluation.rows == pytest.approx(CUSTOMERS / 5, rel=0.2)
    assert 0.75 < manifest.evaluation.auc < 0.95
    assert (manifest.version, manifest.training_data) == ("test-1", "a test")


def test_the_training_distribution_is_that_of_the_customers_fitted_to(
    trained: TrainedModel, spark: SparkSession, training_csv: Path
) -> None:
    distribution = trained.manifest.training_distribution
    assert distribution.categories.keys() == set(CATEGORICAL_FEATURES)
    contract = distribution.categories["Contract"]
    assert contract["Two year"] == pytest.approx(0.24, abs=0.05)
    senior = distribution.numbers["SeniorCitizen"]
    assert senior.edges == (1.0,)
    assert senior.shares[1] == pytest.approx(0.16, abs=0.04)
    for name in set(NUMERIC_FEATURES) - {"SeniorCitizen"}:
        assert distribution.numbers[name].shares == pytest.approx([0.1] * 10, abs=0.03)
    assert distribution.scores.edges == pytest.approx([tenth / 10 for tenth in range(1, 10)])
    assert sum(distribution.scores.shares) == pytest.approx(1.0)


def test_too_few_customers_are_refused(spark: SparkSession, training_csv: Path) -> None:
    few = read_customers(spark, training_csv, CHURN).limit(2)
    with pytest.raises(SettingsError, match="too few rows"):
        train(few, CHURN, seed=1, version="", description="")


def test_a_target_that_takes_nothing_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(SettingsError, match=r"cannot write a model to /proc/self/model: "):
        main(["--synthetic", "5", "--out", "/proc/self/model"])


def test_the_report_names_the_figures_and_the_rule(trained: TrainedModel) -> None:
    text = report(trained.manifest)
    for part in (
        "logistic regression, fitted to",
        "AUC 0.",
        "log loss",
        "Brier",
        "calibration",
        "largest F1",
        "a test",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "one of --csv FILE and --synthetic N is required"),
        (["--synthetic", "0"], "'0' is not a whole number"),
        (["--synthetic", "ten"], "'ten' is not a whole number"),
        (["--synthetic", "5", "--csv", "a.csv"], "and not both"),
        (["--synthetic", "5", "--seed", "x"], "--seed"),
        (["--synthetic", "5", "--classifier", "svm"], "'svm' is none of lr, dt, rf, gbt"),
        (["--synthetic", "5", "--sed", "1"], "unknown argument --sed; did you mean --seed?"),
        (["--csv", "no/such/file.csv"], "cannot read no/such/file.csv"),
    ],
)
def test_a_wrong_option_is_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        main([*arguments, "--out", str(tmp_path / "model")])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_header_names_what_is_missing(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [], CSV_COLUMNS[1:-1])
    with pytest.raises(SettingsError, match="lacks customerID, Churn"):
        main(["--csv", str(path), "--out", str(tmp_path / "model")])
    path = write_csv(tmp_path / "b.csv", [], [*CSV_COLUMNS, "Churn"])
    with pytest.raises(SettingsError, match="names a column twice"):
        main(["--csv", str(path), "--out", str(tmp_path / "model")])


def on_a_mount_of_itself(directory: Path) -> tuple[str, ...]:
    mounted = 'mount --bind "$0" "$0" && exec "$@"'
    return ("unshare", "--map-root-user", "--mount", "sh", "-c", mounted, str(directory))


def run_job(*arguments: str, before: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, sys.executable, str(project_home() / "jobs/train_model.py"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )


def test_the_job_ends_with_exit_code_2_and_one_line_before_spark_starts(tmp_path: Path) -> None:
    result = run_job("--csv", str(tmp_path / "none.csv"), "--out", str(tmp_path / "model"))
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("train_model: cannot read")
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.needs("unshare")
def test_the_job_trains_a_model_onto_a_mount_point_and_it_loads(
    spark: SparkSession, tmp_path: Path
) -> None:
    target = copy_of(SHIPPED, tmp_path / "a [1] ä #b %41 it's")
    wanted = ("--synthetic", "1000", "--seed", "2", "--model-version", "v9")
    result = run_job(*wanted, "--out", str(target), before=on_a_mount_of_itself(target))
    assert result.returncode == 0, result.stderr
    assert "model v9: logistic regression, fitted to" in result.stdout
    assert load_model(target).manifest.version == "v9"
    assert len(list(target.iterdir())) == 2
