"""What a model says of itself, written and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from telco_churn.errors import ModelError
from telco_churn.model.manifest import (
    MANIFEST_NAME,
    CalibrationBin,
    CurvePoint,
    Effects,
    Evaluation,
    Histogram,
    Manifest,
    TrainingDistribution,
    read_manifest,
    write_manifest,
)

MANIFEST = Manifest(
    version="7",
    spark_version="4.2.0",
    created="2026-01-02T03:04:05Z",
    threshold=0.31,
    threshold_rule="by hand",
    training_data="none",
    rows=1_000,
    evaluation=Evaluation(
        rows=250,
        churn_rate=0.27,
        auc=0.84,
        log_loss=0.42,
        brier=0.13,
        precision=0.5,
        recall=0.75,
        f1=0.6,
        calibration=(CalibrationBin(125, 0.1, 0.12), CalibrationBin(125, 0.4, 0.42)),
        curve=(CurvePoint(0.0, 0.0, 0.0), CurvePoint(0.5, 0.8, 0.4), CurvePoint(1.0, 1.0, 1.0)),
    ),
    training_distribution=TrainingDistribution(
        categories={"gender": {"Male": 0.5, "Female": 0.5}},
        numbers={"tenure": Histogram((1.0, 10.0), (0.2, 0.3, 0.5))},
        scores=Histogram((0.5,), (0.75, 0.25)),
    ),
    files={"pipeline/metadata/part-0": "0" * 64},
    classifier="GBTClassificationModel",
    effects=Effects({"gender": {"Male": 0.2, "Female": 0.3}}, {"tenure": ((0.0, 0.5), (9.5, 0.1))}),
)
NOTHING = Histogram((), ())
LATER = {"pipeline", "classifier", "effects"}
"""Fields that manifests of version 0.1 do not have."""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    write_manifest(tmp_path, MANIFEST)
    return tmp_path


def changed(directory: Path, changes: Mapping[str, Any]) -> Path:
    path = directory / MANIFEST_NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return directory


def refusal(directory: Path) -> str:
    with pytest.raises(ModelError) as error:
        read_manifest(directory)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_manifest_is_read_as_it_was_written(written: Path) -> None:
    assert read_manifest(written) == MANIFEST


def test_a_manifest_of_version_0_1_is_read_and_means_the_usual_pipeline(written: Path) -> None:
    path = written / MANIFEST_NAME
    document = json.loads(path.read_text())
    for field in LATER:
        del document[field]
    del document["evaluation"]["curve"]
    path.write_text(json.dumps(document))
    read = read_manifest(written)
    assert (read.pipeline, read.classifier, read.effects) == ("pipeline", None, None)
    assert read.evaluation is not None
    assert read.evaluation.curve == ()


def test_what_nobody_knows_of_a_model_is_written_so(tmp_path: Path) -> None:
    distribution = TrainingDistribution({"gender": {}}, {"tenure": NOTHING}, NOTHING)
    unknown = replace(
        MANIFEST, rows=None, evaluation=None, training_distribution=distribution, effects=None
    )
    write_manifest(tmp_path, unknown)
    assert read_manifest(tmp_path) == unknown


def test_a_manifest_is_written_for_people_too(written: Path) -> None:
    text = (written / MANIFEST_NAME).read_text()
    assert text.startswith('{\n  "classifier": "GBTClassificationModel",\n')
    assert text.endswith("}\n")


def test_a_figure_that_is_no_number_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_manifest(tmp_path, replace(MANIFEST, threshold=float("nan")))


@pytest.mark.parametrize("field", sorted(MANIFEST.__dict__.keys() - LATER))
def test_a_field_that_is_missing_is_named(written: Path, field: str) -> None:
    path = written / MANIFEST_NAME
    document = json.loads(path.read_text())
    del document[field]
    path.write_text(json.dumps(document))
    assert f"'{field}' is a required property" in refusal(written)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"version": ""}, "version"),
        ({"version": 7}, "version"),
        ({"created": "yesterday"}, "created"),
        ({"created": "2026-01-02T03:04:05+01:00"}, "created"),
        ({"threshold": -0.1}, "threshold"),
        ({"threshold": 1.1}, "threshold"),
        ({"rows": 1.5}, "rows"),
        ({"training_distribution": {}}, "training_distribution"),
        ({"pipeline": "pipeline-/../../elsewhere"}, "pipeline"),
        ({"pipeline": "elsewhere"}, "pipeline"),
        ({"effects": {"categories": {}}}, "effects"),
        ({"effects": {"categories": {}, "numbers": {"tenure": [[1.0]]}}}, "effects/numbers/tenure"),
    ],
)
def test_a_field_of_another_shape_is_named_with_what_to_do(
    written: Path, changes: dict[str, object], place: str
) -> None:
    message = refusal(changed(written, changes))
    assert f"is not a model's manifest: {place}" in message
    assert message.endswith("train one: jobs/train_model.py --help")


def test_a_directory_without_a_manifest_holds_no_model(tmp_path: Path) -> None:
    message = refusal(tmp_path / "absent")
    assert message.startswith(f"no model in {tmp_path / 'absent'}: cannot read manifest.json")
    assert "No such file" in message
