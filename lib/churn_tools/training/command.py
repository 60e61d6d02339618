"""The command line of `jobs/train_model.py`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession

from churn_tools.batch_session import batch_session
from churn_tools.customers.origin import ensure_one_origin
from churn_tools.training.classifiers import CLASSIFIERS, DEFAULT
from churn_tools.training.data import check_csv, read_customers, write_synthetic_csv
from churn_tools.training.fit import TrainedModel, train
from churn_tools.training.report import report
from churn_tools.training.saving import check_target, save_model
from stream_telemetry.options import OFF, OwnOptions, option
from stream_telemetry.values import choice, count, directory, or_off, whole
from telco_churn.contract.settings import ContractSettings
from telco_churn.errors import SettingsError
from telco_churn.model.manifest import MANIFEST_NAME
from telco_churn.paths import own_contracts, project_home
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
    classifier: str = option(
        DEFAULT,
        "lr logistic regression, dt decision tree, rf random forest, gbt gradient-boosted trees",
        parse=choice(*CLASSIFIERS),
        metavar="WHICH",
    )
    seed: int = option(
        "7",
        "of the synthetic customers, of the choice of those held out, and of the classifier",
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
    with batch_session("train_model") as spark:
        sys.stdout.write("training; this takes a minute or two\n")
        trained = _train(spark, options, kind)
        manifest = save_model(trained.pipeline, trained.manifest, options.out)
    sys.stdout.write(report(manifest))
    sys.stdout.write(
        f"saved to {options.out / MANIFEST_NAME} and {options.out / manifest.pipeline}\n"
    )


def _check_origin(options: TrainingSettings, contract: Path) -> None:
    """Only customers can be made up, and their model has its place."""
    if contract.resolve() == own_contracts().resolve():
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


def _train(spark: SparkSession, options: TrainingSettings, kind: RecordKind) -> TrainedModel:
    if options.csv is not None:
        description = f"CSV file {options.csv.name}"
        return _trained_on(spark, options.csv, options, kind, description)
    with TemporaryDirectory() as scratch:
        source = Path(scratch, "customers.csv")
        write_synthetic_csv(source, options.synthetic or 0, options.seed)
        description = f"{options.synthetic} synthetic customers, seed {options.seed}"
        return _trained_on(spark, source, options, kind, description)


def _trained_on(
    spark: SparkSession, source: Path, options: TrainingSettings, kind: RecordKind, description: str
) -> TrainedModel:
    customers = read_customers(spark, source, kind)
    version, classifier = options.model_version, options.classifier
    return train(customers, kind, options.seed, version, description, classifier)
