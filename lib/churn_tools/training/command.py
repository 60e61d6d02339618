"""The command line of `jobs/train_model.py`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark import SparkConf
from pyspark.sql import SparkSession

from churn_tools.customers.origin import ensure_one_origin
from churn_tools.training.data import check_csv, read_customers, write_synthetic_csv
from churn_tools.training.fit import TrainedModel, train
from churn_tools.training.saving import check_target, save_model
from launcher.submit.surroundings import ready_this_process
from stream_telemetry.driver_jvm import connected
from stream_telemetry.options import OFF, OwnOptions, option
from stream_telemetry.values import count, directory, or_off, whole
from telco_churn.contract.settings import ContractSettings
from telco_churn.errors import SettingsError
from telco_churn.model.manifest import MANIFEST_NAME, Manifest
from telco_churn.paths import project_home
from telco_churn.record.kind import RecordKind, read_kind
from telco_churn.settings.flags import Command
from telco_churn.settings.resolve import read


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(OwnOptions):
    """Training."""

    csv: Path | None = option(
        OFF,
        "rows with the contract's id, features and label",
        parse=or_off(Path),
        metavar="FILE",
    )
    synthetic: int | None = option(
        OFF, "learn from N synthetic customers instead", parse=or_off(count(1)), metavar="N"
    )
    out: Path = option(
        "models/churn",
        "directory of the model; a model that is there is replaced",
        parse=directory,
        metavar="DIR",
    )
    seed: int = option(
        "7",
        "of the synthetic customers and of the choice of those held out",
        parse=whole,
        metavar="N",
    )
    model_version: str = option("", "the model's name in predictions (default: the time, in UTC)")

    def __post_init__(self) -> None:
        """Raises ValueError when the customers come from nowhere, or from two places."""
        ensure_one_origin(self.csv, self.synthetic)


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """The command's settings."""

    contract: ContractSettings
    training: TrainingSettings


COMMAND = Command(
    prog="train_model.py",
    description="Fit the churn model, judge it on customers held out, and save it.",
    reads_config=False,
)


def main(arguments: Sequence[str]) -> None:
    """Trains a model as the command line asks, prints its figures and saves it.

    Raises:
        SettingsError: an option, the CSV file or the target directory cannot be used.
    """
    settings = read(TrainSettings, COMMAND, arguments, {})
    options, contract = settings.training, settings.contract.contract
    _check_origin(options, contract)
    kind = read_kind(contract)
    check_target(options.out)
    if options.csv is not None:
        check_csv(options.csv, kind)
    with _session() as spark:
        sys.stdout.write("training; this takes a minute or two\n")
        trained = _train(spark, options, kind)
        manifest = save_model(trained.pipeline, trained.manifest, options.out)
    sys.stdout.write(report(manifest, options.out))


def _check_origin(options: TrainingSettings, contract: Path) -> None:
    """Only customers can be made up, and their model has its place."""
    own = project_home() / "conf" / "contracts"
    if contract.resolve() == own.resolve():
        return
    if options.synthetic is not None:
        raise SettingsError(
            f"--synthetic makes customers, who are none of --contract {contract}; give --csv FILE"
        )
    if options.out.resolve() == (project_home() / "models" / "churn").resolve():
        raise SettingsError(
            f"--out {options.out} is the customers' model; name another directory for that of "
            f"--contract {contract}"
        )


@contextmanager
def _session() -> Iterator[SparkSession]:
    """A local Spark, unless spark-submit set another."""
    settings = SparkConf().setAppName("train_model")
    for name, value in (
        ("spark.master", "local[*]"),
        ("spark.driver.host", "127.0.0.1"),
        ("spark.driver.bindAddress", "127.0.0.1"),
        ("spark.ui.enabled", "false"),
        ("spark.ui.showConsoleProgress", "false"),
        ("spark.sql.shuffle.partitions", "4"),
        ("spark.sql.session.timeZone", "UTC"),
    ):
        settings.setIfMissing(name, value)
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # nobody has started a JVM yet
        ready_this_process()
    connected()
    spark = SparkSession.builder.config(conf=settings).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    try:
        yield spark
    finally:
        spark.stop()


def _train(spark: SparkSession, options: TrainingSettings, kind: RecordKind) -> TrainedModel:
    if options.csv is not None:
        description = f"CSV file {options.csv.name}"
        customers = read_customers(spark, options.csv, kind)
        return train(customers, kind, options.seed, options.model_version, description)
    with TemporaryDirectory() as scratch:
        source = Path(scratch, "customers.csv")
        write_synthetic_csv(source, options.synthetic or 0, options.seed)
        description = f"{options.synthetic} synthetic customers, seed {options.seed}"
        customers = read_customers(spark, source, kind)
        return train(customers, kind, options.seed, options.model_version, description)


def report(manifest: Manifest, target: Path) -> str:
    """The model's figures, for people."""
    result = manifest.evaluation
    lines = [
        f"model {manifest.version}: fitted to {manifest.rows} rows ({manifest.training_data})",
        f"held out: {result.rows} rows, {result.churn_rate:.1%} of them positive",
        f"AUC {result.auc:.4f}   log loss {result.log_loss:.4f}   Brier {result.brier:.4f}",
        f"threshold {manifest.threshold} ({manifest.threshold_rule}): precision "
        f"{result.precision:.3f}, recall {result.recall:.3f}, F1 {result.f1:.3f}",
        "calibration, by tenth:  predicted    true",
        *(
            f"{tenth:>22}  {entry.mean_probability:>9.3f}  {entry.churn_rate:>6.3f}"
            for tenth, entry in enumerate(result.calibration, start=1)
        ),
        f"saved to {target / MANIFEST_NAME} and {target / manifest.pipeline}",
    ]
    return "\n".join(lines) + "\n"
