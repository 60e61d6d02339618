from __future__ import annotations

import pytest

from stream_telemetry.broker.admin import KnownTopic
from telco_churn import LOGGER
from telco_churn.query.settings import GroupSettings, TopicSettings
from telco_churn.rights.missing import RightsWatch
from telco_churn.rights.needed import Right, rights_of_job

TOPICS, GROUP = TopicSettings(), GroupSettings()
RIGHTS = rights_of_job(TOPICS, GROUP, TOPICS.outputs)
CLIENT = {"bootstrap.servers": "kafka:9092", "sasl.username": "churn"}
ALL = frozenset({"DESCRIBE", "DESCRIBE_CONFIGS", "READ", "WRITE"})


def the_right(operation: str, name: str) -> Right:
    (found,) = (r for r in RIGHTS if (r.operation, r.name) == (operation, name))
    return found


def topics(**operations: frozenset[str] | None) -> dict[str, KnownTopic]:
    names = zip(("raw", "good", "bad"), TOPICS.all, strict=True)
    return {name: KnownTopic("id", 3, operations.get(short, ALL)) for short, name in names}


def test_what_is_missing_at_the_start_is_told_once_with_what_to_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lacking = the_right("Read", GROUP.consumer_group)
    watch = RightsWatch(CLIENT, RIGHTS, [lacking])
    watch.tell()
    found = [watch.missing(topics()) for _ in range(2)][-1]
    (line,) = (record.getMessage() for record in caplog.records)
    assert line == (
        "user churn may not Read group telco-churn-consumer: progress is not committed, so lag by "
        "the group is wrong; allow it with: kafka-acls.sh --bootstrap-server kafka:9092 --add "
        "--allow-principal User:churn --operation Read --group telco-churn-consumer, or set "
        "--commit-progress off"
    )
    assert [right for right, is_missing in found.items() if is_missing] == [
        ("Read", GROUP.consumer_group)
    ]
    assert len(found) == len(RIGHTS)


def test_what_is_taken_away_and_given_back_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", LOGGER)
    watch = RightsWatch(CLIENT, RIGHTS, ())
    for operations in (ALL, ALL - {"READ"}, ALL - {"READ"}, None, ALL):
        found = watch.missing(topics(good=operations))
        is_missing = operations is None or "READ" not in operations
        assert found["Read", TOPICS.output_topic] is is_missing
    told = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert [level for level, _ in told] == ["WARNING", "INFO"]
    assert "may not Read topic telco.churn.predictions: its records have no lines" in told[0][1]


def test_a_refusal_names_the_right_that_is_needed() -> None:
    watch = RightsWatch(CLIENT, RIGHTS, ())
    said = "Not authorized to access topics: [telco.churn.predictions]"
    assert "user churn may not Write topic telco.churn.predictions; allow" in watch.refusals_in(
        said
    )
    assert watch.refusals_in("Cluster authorization failed.") == ""


def test_topics_without_lines_in_the_log_need_not_be_read() -> None:
    silent = GroupSettings(commit_progress=False)
    rights = rights_of_job(TOPICS, silent, ())
    assert not [right for right in rights if right.only]
    assert {right.operation for right in rights if right.name in TOPICS.outputs} == {
        *("Write", "DescribeConfigs")
    }
