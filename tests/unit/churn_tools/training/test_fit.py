from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from saved_models import SHIPPED, copy_of

from churn_tools.customers.synthetic import synthetic_customers
from churn_tools.training.command import main, report
from churn_tools.training.data import CSV_COLUMNS, LABEL, read_customers, write_synthetic_csv
from churn_tools.training.fit import TrainedModel, train
from churn_tools.training.saving import check_target, save_model
from telco_churn.errors import SettingsError
from telco_churn.model.features import CATEGORICAL_FEATURES, FEATURES_SCHEMA, NUMERIC_FEATURES
from telco_churn.model.loading import load_model
from telco_churn.model.manifest import read_manifest
from telco_churn.model.scoring import PROBABILITY
from telco_churn.paths import project_home

CUSTOMERS = 1_500


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "customers.csv"
    write_synthetic_csv(path, CUSTOMERS, seed=4)
    return path


@pytest.fixture(scope="module")
def trained(spark: SparkSession, source: Path) -> TrainedModel:
    return train(read_customers(spark, source), seed=1, version="test-1", description="a test")


@pytest.fixture(scope="module")
def saved(trained: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("models") / "below" / "churn"
    save_model(trained.pipeline, trained.manifest, target)
    return target


def write_csv(
    path: Path, rows: Iterable[Sequence[object]], columns: Sequence[str] = CSV_COLUMNS
) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def some_rows(changes: Mapping[str, object] | None = None) -> Iterator[list[object]]:
    for customer in islice(synthetic_customers(1), 20):
        yield [{**customer, **(changes or {})}[name] for name in CSV_COLUMNS]


def test_the_csv_is_read_as_features_and_label(spark: SparkSession, source: Path) -> None:
    customers = read_customers(spark, source)
    assert customers.columns == ["customerID", *FEATURES_SCHEMA.fieldNames(), LABEL]
    assert [customers.schema[name].dataType for name in FEATURES_SCHEMA.fieldNames()] == [
        field.dataType for field in FEATURES_SCHEMA
    ]
    found = {row["customerID"]: row for row in customers.collect()}
    assert len(found) == CUSTOMERS
    for customer in islice(synthetic_customers(seed=4), CUSTOMERS):
        row = found[str(customer["customerID"])]
        assert row["Contract"] == customer["Contract"]
        assert row["MonthlyCharges"] == customer["MonthlyCharges"]
        assert row["TotalCharges"] == (customer["TotalCharges"] if customer["tenure"] else 0.0)
        assert row[LABEL] == (1.0 if customer["Churn"] == "Yes" else 0.0)


def test_columns_in_another_order_quotes_and_a_byte_order_mark_are_fine(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = [row[::-1] for row in some_rows()]
    path = write_csv(tmp_path / "a.csv", rows, CSV_COLUMNS[::-1])
    path.write_text("\ufeff" + path.read_text().replace("Electronic check", '"Electronic check"'))
    customers = read_customers(spark, path)
    assert customers.count() == 20
    assert customers.where("PaymentMethod = 'Electronic check'").count() > 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"MonthlyCharges": "a lot"}, "20 rows have no usable value of MonthlyCharges"),
        ({"Churn": "maybe"}, "20 rows have no usable value of Churn"),
        ({"Contract": ""}, "20 rows have no usable value of Contract"),
        ({"Churn": "No"}, "0 of 20 customers left"),
    ],
)
def test_rows_that_nothing_can_be_learnt_from_are_refused(
    spark: SparkSession, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    path = write_csv(tmp_path / "a.csv", some_rows(changes))
    with pytest.raises(SettingsError, match=said):
        read_customers(spark, path)


def test_a_csv_without_customers_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="0 of 0 customers left"):
        read_customers(spark, write_csv(tmp_path / "a.csv", []))


def test_the_model_is_judged_on_customers_that_it_was_not_fitted_to(trained: TrainedModel) -> None:
    manifest = trained.manifest
    assert manifest.rows + manifest.evaluation.rows == CUSTOMERS
    assert manifest.evaluation.rows == pytest.approx(CUSTOMERS / 5, rel=0.2)
    assert 0.75 < manifest.evaluation.auc < 0.95
    assert (manifest.version, manifest.training_data) == ("test-1", "a test")


def test_the_training_distribution_is_that_of_the_customers_fitted_to(
    trained: TrainedModel, spark: SparkSession, source: Path
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


def test_too_few_customers_are_refused(spark: SparkSession, source: Path) -> None:
    few = read_customers(spark, source).limit(2)
    with pytest.raises(SettingsError, match="too few customers"):
        train(few, seed=1, version="", description="")


def test_a_saved_model_scores_like_the_fitted_one(
    saved: Path, trained: TrainedModel, spark: SparkSession, source: Path
) -> None:
    customers = read_customers(spark, source).limit(50).cache()
    loaded = load_model(saved)
    expected = trained.pipeline.transform(customers).select("_model_probability").collect()
    found = loaded.scorer.with_probability(customers).select(PROBABILITY).collect()
    assert [row[0] for row in found] == pytest.approx([row[0][1] for row in expected])
    assert replace(loaded.manifest, files={}, pipeline="pipeline") == trained.manifest


def test_a_saved_model_is_alone_in_its_directory_and_has_no_hadoop_files(saved: Path) -> None:
    assert [path.name for path in saved.parent.iterdir()] == ["churn"]
    names = [path.name for path in saved.rglob("*") if path.is_file()]
    assert not [name for name in names if name.startswith((".", "_"))]


def test_saving_again_replaces_the_model_whole(saved: Path, trained: TrainedModel) -> None:
    before = read_manifest(saved).pipeline
    save_model(trained.pipeline, replace(trained.manifest, version="test-2"), saved)
    after = load_model(saved).manifest
    assert after.version == "test-2"
    assert after.pipeline != before
    assert {path.name for path in saved.iterdir()} == {"manifest.json", after.pipeline}
    assert [path.name for path in saved.parent.iterdir()] == ["churn"]


def test_a_save_that_fails_leaves_the_old_model(
    saved: Path, trained: TrainedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_manifest(saved)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("churn_tools.training.saving.write_manifest", fail)
    with pytest.raises(SettingsError, match="disk full"):
        save_model(trained.pipeline, trained.manifest, saved)
    assert load_model(saved).manifest == before
    assert {path.name for path in saved.iterdir()} == {"manifest.json", before.pipeline}


def test_what_is_not_a_model_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep")
    for target, said in (
        (tmp_path, "is not a model's directory: it holds precious.txt"),
        (tmp_path / "precious.txt", "Not a directory"),
        (tmp_path / "precious.txt" / "below", "Not a directory"),
    ):
        with pytest.raises(SettingsError, match=said):
            check_target(target)
    check_target(tmp_path / "free")
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_a_target_that_takes_nothing_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(SettingsError, match=r"cannot use --out /proc/self/model: "):
        main(["--synthetic", "5", "--out", "/proc/self/model"])


def test_the_report_names_the_figures_and_the_rule(trained: TrainedModel) -> None:
    text = report(trained.manifest, Path("models/churn"))
    for part in ("AUC 0.", "log loss", "Brier", "calibration", "largest F1", "a test"):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "one of --csv FILE and --synthetic N is required"),
        (["--synthetic", "0"], "'0' is not a whole number"),
        (["--synthetic", "ten"], "'ten' is not a whole number"),
        (["--synthetic", "5", "--csv", "a.csv"], "and not both"),
        (["--synthetic", "5", "--seed", "x"], "--seed"),
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
    mounted = f"mount --bind '{directory}' '{directory}' && exec \"$@\""
    return ("unshare", "--map-root-user", "--mount", "sh", "-c", mounted, "sh")


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
    target = copy_of(SHIPPED, tmp_path / "model")
    wanted = ("--synthetic", "1000", "--seed", "2", "--model-version", "v9")
    result = run_job(*wanted, "--out", str(target), before=on_a_mount_of_itself(target))
    assert result.returncode == 0, result.stderr
    assert "model v9: fitted to" in result.stdout
    assert load_model(target).manifest.version == "v9"
    assert len(list(target.iterdir())) == 2
