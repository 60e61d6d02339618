"""A model that is not fit for the job: one line, exit code 3, and no event is touched."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from job import Job, user_lines
from load import publish, records_in
from saved_models import (
    SHIPPED,
    change_setting,
    copy_of,
    metadata_of,
    pipeline_of,
    rewrite_as_if_listed,
)

from sandbox.kafka.topics import CustomerTopics


def remove_all(model: Path) -> str:
    model.rename(model.with_name("elsewhere"))
    return "no model in .*/model: cannot read manifest.json"


def flip_a_byte(model: Path) -> str:
    victim = next(model.rglob("*.parquet"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    return f"{victim.name} does not match its SHA-256"


def skip_unknown_values(model: Path) -> str:
    uid = change_setting(model, "StringIndexer", handleInvalid="skip")
    return f"stage {uid}: handleInvalid is 'skip', which drops rows silently"


def come_from_a_later_spark(model: Path) -> str:
    """Whose files have other columns."""
    indexer, regression = (
        next(pipeline_of(model).glob(f"stages/*{stage}*/data/*.parquet"))
        for stage in ("StringIndexer", "LogisticRegression")
    )
    rewrite_as_if_listed(model, regression, indexer.read_bytes())
    manifest = model / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"spark_version": "9.0.0"}))
    return "saved by Spark 9.0.0\\) cannot be used: its files do not fit together"


def name_a_foreign_class(model: Path) -> str:
    source = metadata_of(model, "VectorAssembler")
    named = json.loads(source.read_text()) | {"class": "org.apache.spark.ml.feature.SQLTransformer"}
    rewrite_as_if_listed(model, source, json.dumps(named))
    return "SQLTransformer', which is not allowed in a model"


def wait_for_a_writer(model: Path) -> str:
    victim = metadata_of(model, "VectorAssembler")
    victim.unlink()
    os.mkfifo(victim)
    return f"{victim.name} is no plain file"


def lead_out_of_the_model(model: Path) -> str:
    victim = metadata_of(model, "VectorAssembler")
    victim.rename(model.with_name("elsewhere"))
    victim.symlink_to(model.with_name("elsewhere"))
    return f"{victim.name} is no plain file"


def hide_a_foreign_class(model: Path) -> str:
    """In a pipeline within the pipeline."""
    outer = next(pipeline_of(model).glob("metadata/part-*"))
    source = metadata_of(model, "VectorAssembler")
    inner = json.loads(outer.read_text())
    inner["paramMap"]["stageUids"] = ["hidden"]
    rewrite_as_if_listed(model, source, json.dumps(inner))
    hidden = source.parent.parent / "stages/0_hidden/metadata/part-00000"
    hidden.parent.mkdir(parents=True)
    named = {**inner, "class": "org.apache.spark.ml.feature.SQLTransformer", "paramMap": {}}
    rewrite_as_if_listed(model, hidden, json.dumps(named))
    return "SQLTransformer', which is not allowed in a model"


@pytest.mark.parametrize(
    "spoil",
    [
        flip_a_byte,
        pytest.param(skip_unknown_values, marks=pytest.mark.slow),
        pytest.param(remove_all, marks=pytest.mark.slow),
        pytest.param(come_from_a_later_spark, marks=pytest.mark.slow),
        pytest.param(name_a_foreign_class, marks=pytest.mark.slow),
        pytest.param(wait_for_a_writer, marks=pytest.mark.slow),
        pytest.param(lead_out_of_the_model, marks=pytest.mark.slow),
        pytest.param(hide_a_foreign_class, marks=pytest.mark.slow),
    ],
)
def test_a_model_that_is_not_fit_is_refused(
    tmp_path: Path, broker: str, topic_names: CustomerTopics, spoil: Callable[[Path], str]
) -> None:
    job = Job(tmp_path, broker, topic_names)
    model = copy_of(SHIPPED, tmp_path / "model")
    said = spoil(model)
    publish(broker, topic_names.raw, 10)
    result = job.run("--trigger", "once", "--model-path", str(model))
    assert result.returncode == 3, result.stderr
    (line,) = user_lines(result)
    assert re.search(said, line), line
    assert "Py4J" not in line
    assert records_in(broker, topic_names.predictions, topic_names.dead_letters) == 0
