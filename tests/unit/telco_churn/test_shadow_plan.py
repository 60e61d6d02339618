"""A shadow in the job's own plan: what is written stays as it was, and both are compared."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from churn_kind import CHURN, CONTRACTS
from plans import expressions, job_plan, projections, watched_pipeline
from pyspark.sql import SparkSession
from saved_models import SHIPPED, add_stage, copy_of
from shadows import EVENTS, compared, counted, decisions, scores, sent, written

from telco_churn.contract.settings import ContractSettings
from telco_churn.errors import ModelError
from telco_churn.model.compiled_score import CompiledScorer
from telco_churn.model.loading import Model, load_model
from telco_churn.model.settings import ModelSettings, ShadowSettings
from telco_churn.query.preflight import prepare_kind, prepare_shadow


@pytest.fixture(scope="module")
def model(spark: SparkSession) -> Model:
    return load_model(SHIPPED)


@pytest.fixture(scope="module")
def other(model: Model) -> Model:
    """One that reads fewer fields, with a threshold and a version of its own."""
    scorer, manifest = model.scorer, model.manifest
    assert isinstance(scorer, CompiledScorer)
    kept = {name: scorer.categories[name] for name in ("Contract", "InternetService")}
    numbers = {"tenure": scorer.numbers["tenure"]}
    fitted_to = replace(
        manifest.training_distribution,
        categories={name: {} for name in kept},
        numbers={"tenure": manifest.training_distribution.numbers["tenure"]},
    )
    return Model(
        replace(manifest, version="other", threshold=0.2, training_distribution=fitted_to),
        CompiledScorer(scorer.intercept, kept, numbers),
    )


def test_without_a_shadow_the_plan_is_as_ever(spark: SparkSession, model: Model) -> None:
    pipeline = watched_pipeline(model)
    scored = sent(spark).transform(pipeline.read).transform(pipeline.judge)
    assert pipeline.compare(scored) is scored
    assert "shadow" not in job_plan(spark, model).toString()


def test_a_shadow_without_trees_adds_no_projection(
    spark: SparkSession, model: Model, other: Model
) -> None:
    alone, both = job_plan(spark, model), job_plan(spark, model, other)
    assert projections(both) == projections(alone), both.toString()
    assert expressions(both) <= 1.15 * expressions(alone)


def test_what_is_written_is_the_same_with_a_shadow_and_without(
    spark: SparkSession, model: Model, other: Model
) -> None:
    alone = written(spark, model)
    assert {topic for _, _, topic, _ in alone} == {"predictions", "dead letters"}
    assert written(spark, model, other) == alone
    assert written(spark, other) != alone


def test_each_good_record_is_compared_to_what_the_shadow_would_write(
    spark: SparkSession, model: Model, other: Model
) -> None:
    deciding, shadow = scores(spark, model), scores(spark, other)
    assert EVENTS / 2 < len(deciding) < EVENTS
    counts = counted(spark, model, other)
    assert compared(counts) == decisions(deciding, shadow, model.manifest.threshold, 0.2)
    assert counts.disagreeing > 0
    assert (counts.records, counts.scored) == (len(deciding), len(deciding))
    apart = sum(abs(p - shadow[who]) for who, p in deciding.items())
    assert counts.sums[:2].tolist() == pytest.approx([sum(shadow.values()), apart])
    assert counts.labelled == counts.records
    assert 0 < counts.sums[2] < counts.labelled


def test_a_shadow_that_gives_no_probability_is_counted_and_changes_nothing(
    spark: SparkSession, model: Model
) -> None:
    assert isinstance(model.scorer, CompiledScorer)
    broken = replace(model, scorer=replace(model.scorer, intercept=math.nan))
    counts = counted(spark, model, broken)
    assert (counts.scored, counts.records) == (0, len(scores(spark, model)))
    assert written(spark, model, broken) == written(spark, model)


def settings(path: Path | None) -> ShadowSettings:
    return ShadowSettings(shadow_model=path)


def test_a_shadow_of_other_records_is_refused_without_spark(tmp_path: Path) -> None:
    usual, contracts = ModelSettings(model_path=SHIPPED), ContractSettings(contract=CONTRACTS)
    assert prepare_kind(contracts, usual, settings(SHIPPED)).event.name == CHURN.event.name
    with pytest.raises(ModelError, match=f"no model in {tmp_path}"):
        prepare_kind(contracts, usual, settings(tmp_path))
    shadow = copy_of(SHIPPED, tmp_path / "shadow")
    manifest = shadow / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"tenure"', '"credit_score"'))
    with pytest.raises(ModelError, match="has no property credit_score, which the model reads"):
        prepare_kind(contracts, usual, settings(shadow))


def test_a_shadow_is_loaded_like_the_first_and_tried(spark: SparkSession, tmp_path: Path) -> None:
    shadow = prepare_shadow(CHURN, settings(SHIPPED))
    assert shadow is not None
    assert shadow.is_compiled
    assert prepare_shadow(CHURN, settings(None)) is None
    spoilt = copy_of(SHIPPED, tmp_path / "spoilt")
    next(spoilt.glob("pipeline*/stages/*/data/*.parquet")).write_bytes(b"?")
    with pytest.raises(ModelError, match="does not match its SHA-256"):
        prepare_shadow(CHURN, settings(spoilt))


def test_a_shadow_that_needs_its_stages_is_refused_in_one_line(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    staged = copy_of(SHIPPED, tmp_path / "staged")
    years = {"inputCol": "tenure", "outputCol": "_model_years", "splits": ["-Inf", 12.0, "Inf"]}
    add_stage(staged, "feature.Bucketizer", handleInvalid="keep", **years)
    with pytest.raises(ModelError) as refused:
        prepare_shadow(CHURN, settings(staged))
    line = str(refused.value)
    assert line.startswith(f"model {staged} (version ")
    assert "cannot be a shadow: it is scored by its Spark ML stages" in line
    assert "\n" not in line
    assert caplog.messages == []
