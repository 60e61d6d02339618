"""Whether a checkpoint is still the one that a query runs on; the files are in memory here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.checkpoint.continuity import Continuity
from stream_telemetry.checkpoint.files import CheckpointFiles
from stream_telemetry.checkpoint.identity import FILE, Identity

QUERY, ANOTHER = "query-1", "query-2"
OURS = Identity(topic="raw", first_run="run-1", first_run_at="2026-01-01T00:00:00Z")


@dataclass
class Kept:
    """A checkpoint's files, in memory."""

    texts: dict[str, str] = field(default_factory=dict)

    def read(self, name: str) -> str | None:
        return self.texts.get(name)

    def write(self, name: str, text: str) -> None:
        self.texts[name] = text

    def names(self, folder: str = "") -> list[str]:
        return [n.removeprefix(f"{folder}/") for n in self.texts if n.startswith(f"{folder}/")]

    def make(self) -> None:
        pass

    def plan(self, batch: int, offset: int) -> None:
        self.texts[f"offsets/{batch}"] = f'v1\n{{}}\n{{"raw":{{"0":{offset}}}}}'
        self.texts[f"commits/{batch}"] = "v1\n{}"

    @property
    def files(self) -> CheckpointFiles:
        return cast(CheckpointFiles, self)


@dataclass
class Running:
    id: str = QUERY
    lastProgress: Any = None

    @property
    def query(self) -> StreamingQuery:
        return cast(StreamingQuery, self)


@pytest.fixture
def kept() -> Kept:
    made = Kept({"metadata": json.dumps({"id": QUERY})})
    OURS.write(made.files)
    return made


def begun(kept: Kept) -> Continuity:
    made = Continuity(kept.files, OURS)
    assert made.is_of(Running().query)
    return made


def test_before_the_query_has_started_nothing_can_be_wrong(kept: Kept) -> None:
    continuity = Continuity(kept.files, OURS)
    kept.texts.clear()
    assert continuity.found_instead() == ""


def test_a_checkpoint_that_is_as_it_was_is_fine(kept: Kept) -> None:
    kept.plan(0, 5)
    assert begun(kept).found_instead() == ""


def test_another_query_on_the_same_checkpoint_is_told_apart(kept: Kept) -> None:
    continuity = begun(kept)
    assert continuity.is_of(Running().query)
    assert not continuity.is_of(Running(ANOTHER).query)


def test_a_checkpoint_that_is_gone_is_told(kept: Kept) -> None:
    continuity = begun(kept)
    kept.texts.clear()
    assert continuity.found_instead() == "it is gone, or empty"


def test_another_one_in_its_place_is_told_with_where_it_comes_from(kept: Kept) -> None:
    continuity = begun(kept)
    Identity(topic="raw", first_run="run-9", first_run_at="2026-02-02T00:00:00Z").write(kept.files)
    told = continuity.found_instead()
    assert told.startswith("there is another one in its place, made on raw at 2026-02-02")


def test_a_damaged_identity_is_told(kept: Kept) -> None:
    continuity = begun(kept)
    kept.texts[FILE] = "{"
    assert continuity.found_instead() == f"its {FILE} is damaged"


def test_metadata_of_another_query_is_told(kept: Kept) -> None:
    continuity = begun(kept)
    kept.texts["metadata"] = json.dumps({"id": ANOTHER})
    assert continuity.found_instead() == f"its metadata is that of query {ANOTHER}"


def test_metadata_that_is_gone_is_told(kept: Kept) -> None:
    continuity = begun(kept)
    del kept.texts["metadata"]
    assert continuity.found_instead() == "its metadata is gone"


def test_batches_that_are_gone_are_told_once_there_were_some(kept: Kept) -> None:
    kept.plan(0, 5)
    continuity = begun(kept)
    for name in [name for name in kept.texts if "/" in name]:
        del kept.texts[name]
    assert continuity.found_instead() == "its batches are gone"


def test_a_query_that_has_not_planned_a_batch_yet_has_none_to_miss(kept: Kept) -> None:
    assert begun(kept).found_instead() == ""


def test_the_first_batch_writes_down_whose_checkpoint_it_is(kept: Kept) -> None:
    continuity = begun(kept)
    kept.plan(0, 5)
    assert continuity.found_instead() == ""
    assert json.loads(kept.texts[FILE])["query"] == QUERY


def test_what_was_reached_is_left_where_the_checkpoint_was(kept: Kept) -> None:
    kept.plan(0, 5)
    continuity = begun(kept)
    kept.texts.clear()
    continuity.leave_word()
    left = Identity.read(kept.files)
    assert left is not None
    assert left.reached == {("raw", 0): 5}
    assert (left.query, left.first_run) == (QUERY, "run-1")


def test_word_is_not_left_in_somebody_else_s_checkpoint(kept: Kept) -> None:
    continuity = begun(kept)
    other = Identity(topic="raw", first_run="run-9")
    other.write(kept.files)
    continuity.leave_word()
    assert Identity.read(kept.files) == other


def test_the_reason_why_no_query_may_go_on_is_left_in_the_checkpoint(kept: Kept) -> None:
    continuity = begun(kept)
    continuity.leave_reason("the topic was made anew")
    left = Identity.read(kept.files)
    assert left is not None
    assert left.ended == "the topic was made anew"
