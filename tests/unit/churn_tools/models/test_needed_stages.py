"""What is left of somebody's pipeline when only the probability counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from churn_kind import CHURN
from pyspark.ml import PipelineModel
from saved_models import SHIPPED, add_stage, copy_of

from churn_tools.models.needed_stages import features_read, needed_stages, write_pipeline
from telco_churn.errors import ModelError
from telco_churn.model.features import Features


def test_stages_for_the_label_and_for_people_are_left_out(someones_directory: Path) -> None:
    stages = [stage for _, stage in needed_stages(someones_directory)]
    assert [stage.kind for stage in stages] == [
        "StringIndexerModel",
        "OneHotEncoderModel",
        "VectorAssembler",
        "GBTClassificationModel",
    ]
    assert features_read(stages, CHURN.features) == Features(
        ("InternetService", "Contract"), ("tenure", "MonthlyCharges")
    )


def test_what_is_written_spark_loads_and_it_is_the_same_stages(
    someones_directory: Path, someones_model: PipelineModel, tmp_path: Path
) -> None:
    write_pipeline(needed_stages(someones_directory), tmp_path / "pipeline")
    loaded = PipelineModel.load(f"file://{tmp_path / 'pipeline'}")
    assert [stage.uid for stage in loaded.stages] == [s.uid for s in someones_model.stages[1:-1]]


def test_a_stage_whose_columns_nobody_can_tell_is_not_left_out(tmp_path: Path) -> None:
    model = copy_of(SHIPPED, tmp_path / "model")
    (top,) = model.glob("pipeline/metadata/part-*")
    add_stage(model, "feature.SQLTransformer", statement="SELECT * FROM __THIS__")
    document = json.loads(top.read_text())
    *others, last, added = document["paramMap"]["stageUids"]
    document["paramMap"]["stageUids"] = [*others, added, last]
    top.write_text(json.dumps(document))
    stages = model / "pipeline/stages"
    (stages / f"4_{added}").rename(stages / f"3_{added}")
    (stages / f"3_{last}").rename(stages / f"4_{last}")
    with pytest.raises(ModelError, match=r"stage SQLTransformer_more is a org.*not allowed"):
        needed_stages(model / "pipeline")


def test_a_uid_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    model = copy_of(SHIPPED, tmp_path / "model")
    source = next(model.glob("pipeline/stages/1_*/metadata/part-*"))
    source.write_text(json.dumps(json.loads(source.read_text()) | {"uid": "../../../elsewhere"}))
    with pytest.raises(ModelError, match=r"stage '../../../elsewhere': its UID is not a plain"):
        needed_stages(model / "pipeline")


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"class": "x"}'])
def test_what_is_no_saved_pipeline_is_told_with_how_to_save_one(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "metadata").mkdir()
        (tmp_path / "metadata" / "part-00000").write_text(content)
    with pytest.raises(ModelError, match=r"is not a saved PipelineModel .*model\.write\(\)\.save"):
        needed_stages(tmp_path)


def test_a_pipeline_without_a_classifier_is_refused(tmp_path: Path) -> None:
    model = copy_of(SHIPPED, tmp_path / "model")
    (top,) = model.glob("pipeline/metadata/part-*")
    document = json.loads(top.read_text())
    document["paramMap"]["stageUids"].pop()
    top.write_text(json.dumps(document))
    with pytest.raises(ModelError, match=r"no stage gives a probability \(stage VectorAssembler_"):
        needed_stages(model / "pipeline")
