"""Who a checkpoint is, and whether it may be another one."""

from __future__ import annotations

import json
from typing import cast

import pytest

from stream_telemetry.checkpoint.files import CheckpointFiles
from stream_telemetry.checkpoint.identity import FILE, OLD_FILE, Identity, SourceIdentity


class Kept:
    """Files in memory; what matters here is what is in them."""

    def __init__(self, **texts: str) -> None:
        self.texts = {name.replace("_json", ".json"): text for name, text in texts.items()}

    def read(self, name: str) -> str | None:
        return self.texts.get(name)

    def write(self, name: str, text: str) -> None:
        self.texts[name] = text

    @property
    def files(self) -> CheckpointFiles:
        return cast(CheckpointFiles, self)


WHOLE = Identity(
    topic="raw",
    topic_id="t1",
    cluster_id="c1",
    query="q1",
    first_run="r1",
    first_run_at="2026-01-01T00:00:00Z",
    reached={("raw", 0): 5, ("raw", 1): 0},
)


def test_an_identity_is_read_as_it_was_written() -> None:
    kept = Kept()
    WHOLE.write(kept.files)
    assert list(kept.texts) == [FILE]
    assert Identity.read(kept.files) == WHOLE


def test_a_checkpoint_without_one_has_none() -> None:
    assert Identity.read(Kept().files) is None


def test_an_identity_of_an_older_version_says_less_and_writes_ids_otherwise() -> None:
    kept = Kept(source_json=json.dumps({"topic": "raw", "topic_id": "a+b/c", "cluster_id": "c1"}))
    assert list(kept.texts) == [OLD_FILE]
    found = Identity.read(kept.files)
    assert found == Identity(topic="raw", topic_id="a-b_c", cluster_id="c1")


def test_the_new_identity_counts_where_the_old_file_is_there_too() -> None:
    kept = Kept(source_json='{"topic": "old"}', identity_json='{"topic": "new"}')
    found = Identity.read(kept.files)
    assert found is not None
    assert found.topic == "new"


def test_what_a_later_version_may_add_to_an_identity_is_passed_over() -> None:
    found = Identity.read(Kept(identity_json='{"topic": "raw", "colour": "red"}').files)
    assert found == Identity(topic="raw")


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "null", "{}", '{"topic": 5}'])
def test_an_identity_that_names_no_topic_is_damaged(text: str) -> None:
    with pytest.raises(ValueError, match=r"it names no topic|Expecting"):
        Identity.read(Kept(identity_json=text).files)


def test_an_identity_with_positions_that_are_none_is_damaged() -> None:
    with pytest.raises(ValueError, match="offsets of a Kafka source"):
        Identity.read(Kept(identity_json='{"topic": "raw", "reached": [1]}').files)


def test_an_identity_notes_its_query_once() -> None:
    fresh = Identity(topic="raw")
    assert fresh.begun_by("q1").query == "q1"
    assert fresh.begun_by("q1").begun_by("q2").query == "q1"


@pytest.mark.parametrize(
    ("identity", "origin"),
    [
        (Identity(topic="raw"), "made on raw"),
        (WHOLE, "made on raw at 2026-01-01T00:00:00Z by run r1"),
    ],
)
def test_where_a_checkpoint_comes_from_is_told_to_people(identity: Identity, origin: str) -> None:
    assert identity.origin == origin


@pytest.mark.parametrize(
    ("other", "may_be"),
    [
        (SourceIdentity("c1", "raw", "t1"), True),
        (SourceIdentity("c1", "raw", "t2"), False),
        (SourceIdentity("c2", "raw", "t1"), False),
        (SourceIdentity("c1", "other", "t1"), False),
        (SourceIdentity(None, "raw", "t1"), True),
        (SourceIdentity("c1", "raw", None), True),
        (SourceIdentity(None, "raw", None), True),
        (SourceIdentity(None, "other", None), False),
    ],
)
def test_a_topic_may_be_the_same_unless_what_is_known_of_both_differs(
    other: SourceIdentity, may_be: bool
) -> None:
    assert WHOLE.source.may_be(other) is may_be
    assert other.may_be(WHOLE.source) is may_be
