"""Whose checkpoint it is, and whether it can be written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from checkpoints import QUERY, SOURCE, directory_of, identity_in, plan_batches
from pyspark.sql import SparkSession

from stream_telemetry.checkpoint.identity import FILE, OLD_FILE, SourceIdentity
from telco_churn.errors import CheckpointLostError, SettingsError, SourceDataLostError
from telco_churn.query.checkpoint import Checkpoint

ANEW = SourceIdentity("cluster", "raw", "id-2")
OLD = {"cluster_id": "cluster", "topic": "raw", "topic_id": "id-1"}


def test_a_new_checkpoint_says_who_it_is_and_a_later_run_adds_the_query(
    checkpoint: Checkpoint,
) -> None:
    checkpoint.check_source(SOURCE)
    checkpoint.begin(SOURCE)
    first = identity_in(checkpoint.files)
    assert (first.source, first.query) == (SOURCE, "")
    assert first.first_run
    assert first.first_run_at
    plan_batches(checkpoint.files)
    later = Checkpoint(checkpoint.files.location)
    later.check()
    later.check_source(SOURCE)
    later.begin(SOURCE)
    assert identity_in(checkpoint.files) == first.begun_by(QUERY)


def test_of_a_topic_that_was_made_anew_nothing_is_read(checkpoint: Checkpoint) -> None:
    checkpoint.begin(SOURCE)
    checkpoint.check_source(ANEW)
    plan_batches(checkpoint.files)
    with pytest.raises(SourceDataLostError, match=r"made anew \(id id-1 then, id-2 now; cluster"):
        checkpoint.check_source(ANEW)
    with pytest.raises(SourceDataLostError, match="made anew"):
        checkpoint.check_topic(ANEW)
    with pytest.raises(SourceDataLostError, match="cluster cluster, other"):
        checkpoint.check_source(SOURCE._replace(cluster_id="other"))
    with pytest.raises(SettingsError, match=r"is of topic raw, not of raw\.b; set another"):
        checkpoint.check_source(SOURCE._replace(topic="raw.b"))


def test_what_a_broker_does_not_tell_tells_nothing_apart(checkpoint: Checkpoint) -> None:
    checkpoint.begin(SourceIdentity(None, "raw", None))
    plan_batches(checkpoint.files)
    checkpoint.check_source(SOURCE)
    checkpoint.begin(SOURCE)
    assert identity_in(checkpoint.files).source == SOURCE
    checkpoint.check_source(SourceIdentity(None, "raw", None))


def test_an_identity_of_version_0_1_is_understood_and_completed(checkpoint: Checkpoint) -> None:
    plan_batches(checkpoint.files)
    checkpoint.files.write(OLD_FILE, json.dumps(OLD))
    with pytest.raises(SourceDataLostError, match="id-1 then, id-2 now"):
        checkpoint.check_source(ANEW)
    checkpoint.check_source(SOURCE)
    checkpoint.begin(SOURCE)
    found = identity_in(checkpoint.files)
    assert (found.source, found.query, bool(found.first_run)) == (SOURCE, QUERY, True)
    assert json.loads(checkpoint.files.read(OLD_FILE) or "") == OLD


def test_a_checkpoint_that_does_not_say_is_taken_at_its_word(checkpoint: Checkpoint) -> None:
    plan_batches(checkpoint.files)
    checkpoint.check_source(ANEW)
    checkpoint.begin(ANEW)
    assert identity_in(checkpoint.files).source == ANEW


def test_before_its_first_batch_a_checkpoint_is_nobody_s(checkpoint: Checkpoint) -> None:
    checkpoint.begin(SOURCE)
    checkpoint.files.write("metadata", f'{{"id":"{QUERY}"}}')
    checkpoint.check_source(ANEW)
    checkpoint.begin(ANEW)
    assert identity_in(checkpoint.files).source == ANEW


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"topic":5}', '{"topic":"x","reached":7}'])
def test_an_identity_that_cannot_be_read_is_not_passed_over(
    checkpoint: Checkpoint, text: str
) -> None:
    checkpoint.files.write(FILE, text)
    with pytest.raises(SettingsError, match=r"identity\.json is damaged .*; delete it if you know"):
        checkpoint.check_source(SOURCE)


def test_a_query_that_has_begun_is_not_begun_anew_by_the_next_run(checkpoint: Checkpoint) -> None:
    plan_batches(checkpoint.files)
    checkpoint.begin(SOURCE)
    for folder in ("offsets", "commits"):
        shutil.rmtree(directory_of(checkpoint) / folder)
    later = Checkpoint(checkpoint.files.location)
    with pytest.raises(CheckpointLostError, match=f"no longer has the batches of query {QUERY}"):
        later.check_source(SOURCE)


def test_nor_is_one_with_the_batches_of_another_query(checkpoint: Checkpoint) -> None:
    plan_batches(checkpoint.files)
    checkpoint.begin(SOURCE)
    checkpoint.files.write("metadata", '{"id":"another"}')
    with pytest.raises(CheckpointLostError, match=f"no longer has the batches of query {QUERY}"):
        checkpoint.check_source(SOURCE)


def test_a_place_that_cannot_be_written_is_one_line(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(SettingsError, match="file/below cannot be written"):
        Checkpoint(f"{tmp_path}/file/below").check()
    with pytest.raises(SettingsError, match=r"nofs://x cannot be used .*No FileSystem for scheme"):
        Checkpoint("nofs://x")
