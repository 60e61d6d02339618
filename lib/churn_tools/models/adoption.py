"""Takes over a pipeline that was fitted elsewhere, if the job can use it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import SparkSession

from churn_tools.models.fetching import fetch, manifest_in, pipeline_in, shown
from churn_tools.models.judge_data import JudgeData
from churn_tools.models.judging import DEFAULT_THRESHOLD, judge
from churn_tools.models.needed_stages import (
    PlacedStages,
    features_read,
    needed_stages,
    write_pipeline,
)
from churn_tools.models.version_store import Store
from churn_tools.training.saving import put_model
from telco_churn.errors import ModelError
from telco_churn.model.loading import scorer_of
from telco_churn.model.manifest import Histogram, Manifest, TrainingDistribution, write_manifest
from telco_churn.model.trust.private_copy import private_copy
from telco_churn.model.verification import verify_files
from telco_churn.query.settings import BrokerSettings
from telco_churn.record.kind import RecordKind

_UNKNOWN = Histogram((), ())


@dataclass(frozen=True)
class Adoption:
    """What is to be adopted, and how.

    Attributes:
        location: a path, a URI, or `models:/name@alias`.
        kind: of record that it scores.
        version: the model's name in predictions; empty takes the present time.
        judge: rows to judge it on; None if there are none.
        kafka: has the topic, if they are in one.
        threshold: from which probability on the prediction is Yes; None chooses it.
    """

    location: str
    kind: RecordKind
    version: str = ""
    judge: JudgeData | None = None
    kafka: BrokerSettings = field(default_factory=BrokerSettings)
    threshold: float | None = None


def adopt(spark: SparkSession, wanted: Adoption, store: Store) -> Manifest:
    """Tries the model, judges it and puts it into the store; gives its manifest.

    Raises:
        ModelError: the job cannot use it; names the stage and the reason.
        SettingsError: the version's name is taken, or the rows to judge it on cannot be used.
        KafkaUnavailableError: the topic of these cannot be read.
    """
    store.directory.mkdir(parents=True, exist_ok=True)
    # In the store, so that the finished model is moved in one step.
    with TemporaryDirectory(dir=store.directory, prefix=".") as place:
        scratch = Path(place)
        (scratch / "fetched").mkdir()
        directory = fetch(wanted.location, scratch / "fetched")
        made = scratch / "model"
        # Somebody else's files: plain ones, not too large, and those that are looked at.
        with private_copy(directory, lambda _: True) as copy:
            ours, placed = manifest_in(copy), needed_stages(pipeline_in(copy))
            try:
                known = _as_wanted(ours, wanted) if ours else _unjudged(placed, wanted)
                manifest = put_model(lambda target: write_pipeline(placed, target), known, made)
                manifest = _judged(spark, made, manifest, wanted)
            except ModelError as error:
                raise ModelError(f"{shown(wanted.location)} is not adopted: {error}") from error
        write_manifest(made, manifest)
        store.add(made, manifest.version)
    return manifest


def _judged(spark: SparkSession, made: Path, manifest: Manifest, wanted: Adoption) -> Manifest:
    verify_files(made, manifest)
    scorer = scorer_of(made / manifest.pipeline, manifest)
    if wanted.judge is None:
        return manifest
    rows = wanted.judge.read(spark, wanted.kafka, wanted.kind, made.parent)
    found = judge(scorer, rows, wanted.threshold)
    # What it was fitted to says more than what it is judged on.
    distribution = found.distribution if manifest.rows is None else manifest.training_distribution
    return replace(
        manifest,
        threshold=found.threshold,
        threshold_rule=found.threshold_rule,
        evaluation=found.evaluation,
        training_distribution=distribution,
        effects=found.effects,
        training_data=f"{manifest.training_data}; judged on {wanted.judge.name}",
    )


def _as_wanted(manifest: Manifest, wanted: Adoption) -> Manifest:
    """What is known of a model of ours, under another name and threshold where these are given."""
    manifest = replace(manifest, version=wanted.version or manifest.version)
    if wanted.threshold is None:
        return manifest
    return replace(manifest, threshold=wanted.threshold, threshold_rule="given by hand")


def _unjudged(placed: PlacedStages, wanted: Adoption) -> Manifest:
    stages = [stage for _, stage in placed]
    features = features_read(stages, wanted.kind.features)
    created = datetime.now(UTC)
    return Manifest(
        version=wanted.version or f"{created:%Y%m%dT%H%M%SZ}",
        spark_version=str(json.loads(stages[0].metadata)["sparkVersion"]),
        created=f"{created:%Y-%m-%dT%H:%M:%SZ}",
        threshold=DEFAULT_THRESHOLD if wanted.threshold is None else wanted.threshold,
        threshold_rule="nobody has judged it" if wanted.threshold is None else "given by hand",
        training_data=f"fitted elsewhere, adopted from {shown(wanted.location)}",
        rows=None,
        evaluation=None,
        training_distribution=TrainingDistribution(
            categories={name: {} for name in features.categories},
            numbers=dict.fromkeys(features.numbers, _UNKNOWN),
            scores=_UNKNOWN,
        ),
        files={},
        classifier=stages[-1].kind,
    )
