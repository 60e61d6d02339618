from __future__ import annotations

import json
from pathlib import Path

import pytest
from saved_models import SHIPPED, copy_of, metadata_of, rewrite_as_if_listed

from telco_churn.errors import ModelError
from telco_churn.model.loading import load_model
from telco_churn.model.manifest import MANIFEST_NAME, read_manifest
from telco_churn.model.verification import verify_files


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return copy_of(SHIPPED, tmp_path / "churn")


def refusal(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_no_directory_says_how_to_get_a_model(tmp_path: Path) -> None:
    message = refusal(tmp_path / "nothing")
    assert "no model in" in message
    assert "jobs/train_model.py" in message


def test_a_model_without_manifest_is_refused(copy: Path) -> None:
    (copy / MANIFEST_NAME).unlink()
    assert "cannot read manifest.json" in refusal(copy)


def test_a_flipped_byte_in_a_model_is_found(copy: Path) -> None:
    victim = next(copy.glob("pipeline/stages/*LogisticRegression*/data/*.parquet"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    message = refusal(copy)
    assert victim.name in message
    assert "SHA-256" in message


@pytest.mark.parametrize("name", ["pipeline/extra", "pipeline/.hidden.crc", "extra.txt"])
def test_a_file_that_the_manifest_does_not_list_is_found(copy: Path, name: str) -> None:
    (copy / name).write_text("")
    assert f"{name} is not listed" in refusal(copy)


@pytest.mark.parametrize("name", ["pipeline/stages/4_more", "pipeline-0", "lost+found"])
def test_a_link_to_another_directory_is_found(copy: Path, tmp_path: Path, name: str) -> None:
    (copy / name).symlink_to(tmp_path)
    assert f"{name} is no plain file" in refusal(copy)


@pytest.mark.parametrize("name", ["pipeline-0a/stages", "lost+found"])
def test_what_nobody_reads_is_passed_over(copy: Path, name: str) -> None:
    (copy / name).mkdir(parents=True)
    (copy / name / "part-0").write_text("half of it")
    verify_files(copy, read_manifest(copy))


def test_the_named_pipeline_is_the_one_that_is_verified(copy: Path) -> None:
    (copy / "pipeline-0a").mkdir()
    (copy / "pipeline-0a/extra").write_text("")
    path = copy / MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | {"pipeline": "pipeline-0a"}))
    (copy / "pipeline").rename(copy / "pipeline-1b")
    message = refusal(copy)
    assert "pipeline/metadata/part-00000" in message
    assert "is missing" in message


def test_a_file_that_the_manifest_lists_and_is_not_there_is_found(copy: Path) -> None:
    victim = metadata_of(copy, "VectorAssembler")
    victim.unlink()
    message = refusal(copy)
    assert victim.name in message
    assert "is missing" in message


@pytest.mark.parametrize(
    "foreign",
    [
        "org.apache.spark.ml.feature.SQLTransformer",
        "com.example.Evil",
        "subprocess.Popen",
        ["org.apache.spark.ml.PipelineModel"],
    ],
)
def test_a_class_that_is_not_allowed_is_refused_even_if_the_manifest_lists_the_file(
    copy: Path, foreign: object
) -> None:
    source = metadata_of(copy, "VectorAssembler")
    metadata = json.loads(source.read_text()) | {"class": foreign}
    rewrite_as_if_listed(copy, source, json.dumps(metadata))
    assert "not allowed in a model" in refusal(copy)


def test_a_second_metadata_line_is_checked_too(copy: Path) -> None:
    source = metadata_of(copy, "VectorAssembler")
    rewrite_as_if_listed(copy, source, source.read_text() + '{"class": "com.example.Evil"}\n')
    assert "com.example.Evil" in refusal(copy)


@pytest.mark.parametrize("text", ["rubbish", "[]", "5", "{}", '{"class": 5, "paramMap": []}'])
def test_metadata_that_is_none_is_refused(copy: Path, text: str) -> None:
    source = metadata_of(copy, "StringIndexer")
    rewrite_as_if_listed(copy, source, text)
    assert "is not a stage's metadata" in refusal(copy)


def test_a_stage_that_lies_elsewhere_is_refused(copy: Path) -> None:
    source = next(copy.glob("pipeline/metadata/part-*"))
    metadata = json.loads(source.read_text())
    metadata["paramMap"]["stageUids"][0] = "x/../../../../elsewhere"
    rewrite_as_if_listed(copy, source, json.dumps(metadata))
    assert "not a plain name" in refusal(copy)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"threshold": 2}, "threshold"),
        ({"threshold": "0.5"}, "threshold"),
        ({"rows": -1}, "rows"),
        ({"files": {}}, "files"),
        ({"files": {"a": "not a digest"}}, "files"),
        ({"evaluation": 1}, "evaluation"),
        ({"evaluation": {}}, "evaluation"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_manifest_of_another_shape_is_refused_by_the_field(
    copy: Path, change: dict[str, object], said: str
) -> None:
    source = copy / MANIFEST_NAME
    source.write_text(json.dumps(json.loads(source.read_text()) | change))
    message = refusal(copy)
    assert "is not a model's manifest" in message
    assert said in message


@pytest.mark.parametrize("text", ["", "{", "\x00", "[]", "null", "{}"])
def test_a_manifest_that_is_no_manifest_is_refused(copy: Path, text: str) -> None:
    (copy / MANIFEST_NAME).write_text(text)
    assert MANIFEST_NAME in refusal(copy)


def test_a_manifest_that_is_not_utf8_is_refused(copy: Path) -> None:
    (copy / MANIFEST_NAME).write_bytes(b"\xff\xfe{}")
    assert "is not JSON" in refusal(copy)
