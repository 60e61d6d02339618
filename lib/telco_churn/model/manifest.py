"""What a model says of itself: `manifest.json`, beside the saved pipeline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from telco_churn.errors import ModelError
from telco_churn.model.features import Features
from telco_churn.model.trust.plain_files import read_plain

MANIFEST_NAME = "manifest.json"
PIPELINE_NAME = "pipeline"
MOST_MANIFEST_BYTES = 4 * 2**20
HOW_TO_MEND = "restore the model's directory, or train one: jobs/train_model.py --help"


@dataclass(frozen=True)
class CalibrationBin:
    """One tenth of the held-out customers, by rising score."""

    rows: int
    mean_probability: float
    churn_rate: float


@dataclass(frozen=True)
class CurvePoint:
    """What is scored above some threshold: shares of all rows, of the positive, of the negative."""

    rows: float
    positive: float
    negative: float


@dataclass(frozen=True)
class Evaluation:
    """How the model does on customers that it was not fitted to.

    `precision`, `recall` and `f1` are those of "Yes" at the manifest's threshold. `curve` goes from
    none to all; manifests of version 0.1 have none.
    """

    rows: int
    churn_rate: float
    auc: float
    log_loss: float
    brier: float
    precision: float
    recall: float
    f1: float
    calibration: tuple[CalibrationBin, ...]
    curve: tuple[CurvePoint, ...] = ()


@dataclass(frozen=True)
class Histogram:
    """Shares of a number's bins: bin i holds the values that exactly i of the edges reach up to.

    `edges` rise; an edge belongs to the bin above it, so there is one share more than edges.
    """

    edges: tuple[float, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class TrainingDistribution:
    """What the model was fitted to, for measuring drift: by feature, and the scores.

    All features that it reads are named; what is not known of one has no shares.
    """

    categories: Mapping[str, Mapping[str, float]]  # feature -> value -> share
    numbers: Mapping[str, Histogram]
    scores: Histogram


@dataclass(frozen=True)
class Effects:
    """The mean probability if all rows had one value of one feature.

    `categories` has it by feature and value, `numbers` as pairs of value and mean, values rising.
    """

    categories: Mapping[str, Mapping[str, float]]
    numbers: Mapping[str, tuple[tuple[float, float], ...]]


@dataclass(frozen=True)
class Manifest:
    """A model's origin, figures and files.

    `created` is ISO 8601 in UTC; the decision is yes when the probability reaches `threshold`;
    `rows` is the number of records fitted to; `files` maps each file, relative to the model's
    directory, to its SHA-256; `pipeline` is the directory in it that holds the stages;
    `classifier` is the name of its last stage's class in Spark. What is not known is None: of a
    model that was fitted elsewhere, or saved by version 0.1.
    """

    version: str
    spark_version: str
    created: str
    threshold: float
    threshold_rule: str
    training_data: str
    rows: int | None
    evaluation: Evaluation | None
    training_distribution: TrainingDistribution
    files: Mapping[str, str]
    pipeline: str = PIPELINE_NAME
    classifier: str | None = None
    effects: Effects | None = None

    @property
    def features(self) -> Features:
        """What the model reads: it was fitted to nothing else."""
        fitted_to = self.training_distribution
        return Features(tuple(fitted_to.categories), tuple(fitted_to.numbers))


def read_manifest(path: Path) -> Manifest:
    """The manifest of the model in directory `path`.

    Raises:
        ModelError: there is no manifest, or it is not shaped like one.
    """
    source = path / MANIFEST_NAME
    try:
        document = json.loads(read_plain(source, MOST_MANIFEST_BYTES).decode())
    except OSError as error:
        raise ModelError(
            f"no model in {path}: cannot read {MANIFEST_NAME} ({error.strerror}); {HOW_TO_MEND}"
        ) from error
    # Brackets in brackets, thousands of times, are too much for its parser.
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{source} is not JSON ({error}); {HOW_TO_MEND}") from error
    _check_shape(source, document)
    return _manifest(document)


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Writes `manifest` into the directory `path`."""
    # NaN is not JSON: better no manifest than one that cannot be read.
    text = json.dumps(asdict(manifest), indent=2, sort_keys=True, allow_nan=False)
    (path / MANIFEST_NAME).write_text(text + "\n", encoding="utf-8")


def _check_shape(source: Path, document: object) -> None:
    schema = package_files(__package__).joinpath("manifest_schema.json").read_text("utf-8")
    error = best_match(Draft202012Validator(json.loads(schema)).iter_errors(document))
    if error is not None:
        # jsonschema quotes the value that it refuses, which may be the whole document.
        place = "/".join(str(step) for step in error.path) or "the document"
        raise ModelError(
            f"{source} is not a model's manifest: {place}: {error.message[:200]}; {HOW_TO_MEND}"
        )


def _manifest(document: dict[str, Any]) -> Manifest:
    evaluation, effects = document.pop("evaluation"), document.pop("effects", None)
    distribution = document.pop("training_distribution")
    return Manifest(
        **document,
        evaluation=_evaluation(evaluation) if evaluation else None,
        training_distribution=_distribution(distribution),
        effects=_effects(effects) if effects else None,
    )


def _evaluation(entry: dict[str, Any]) -> Evaluation:
    calibration = tuple(CalibrationBin(**row) for row in entry.pop("calibration"))
    curve = tuple(CurvePoint(**row) for row in entry.pop("curve", []))
    return Evaluation(**entry, calibration=calibration, curve=curve)


def _distribution(entry: dict[str, Any]) -> TrainingDistribution:
    numbers = {feature: _histogram(row) for feature, row in entry["numbers"].items()}
    return TrainingDistribution(entry["categories"], numbers, _histogram(entry["scores"]))


def _effects(entry: dict[str, Any]) -> Effects:
    numbers = {
        feature: tuple((value, mean) for value, mean in points)
        for feature, points in entry["numbers"].items()
    }
    return Effects(entry["categories"], numbers)


def _histogram(entry: Mapping[str, list[float]]) -> Histogram:
    return Histogram(edges=tuple(entry["edges"]), shares=tuple(entry["shares"]))
