"""Failures of the query that a restart would only meet again, by their cause.

docs/guarantees.md has them as a table: `python -m telco_churn.lasting` writes it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stream_telemetry.run.causes import Cause
from telco_churn.errors import (
    ChurnStreamError,
    PoisonRecordError,
    QueryFailedError,
    SettingsError,
    SourceDataLostError,
    TopicError,
)
from telco_churn.paths import project_home


@dataclass(frozen=True)
class Lasting:
    """A kind of cause.

    Attributes:
        what: it is, for people.
        names: ends of the names of its Java classes, and Spark's error conditions.
        error: what ends the job.
        remedy: what to do.
        words: parts of the message, for what has no class of its own.
    """

    what: str
    names: tuple[str, ...]
    error: type[ChurnStreamError]
    remedy: str
    words: tuple[str, ...] = ()


POISON = Lasting(
    "a record whose timestamp Spark cannot hold (SPARK-56243)",
    (),
    PoisonRecordError,
    "leave it out: `python -m churn_tools.skip_record`",
    words=("that overflows when converting to Spark's microsecond",),
)
DATA_LOSS = Lasting(
    "offsets that come next are gone: retention, a topic made anew, a log that was cut off",
    ("KAFKA_DATA_LOSS",),
    SourceDataLostError,
    "set --on-data-loss continue, or start with another --checkpoint",
    words=("Some data may have been lost",),
)
TOPIC = Lasting(
    "a topic that is not there, looked for once more",
    ("UnknownTopicOrPartitionException", "UnknownTopicIdException", "InvalidTopicException"),
    TopicError,
    "create it",
)
CHECKPOINT = Lasting(
    "a file of the checkpoint that is damaged, or that another driver has written",
    ("CONCURRENT_STREAM_LOG_UPDATE", "ChecksumException"),
    SettingsError,
    "the line names the file and its repair; let one driver alone use a checkpoint",
    words=("Incomplete log file",),
)
REFUSED_RECORD = Lasting(
    "a record that Kafka refuses: no key in a compacted topic, a time that the topic does not take",
    ("InvalidRecordException", "InvalidTimestampException", "PolicyViolationException"),
    QueryFailedError,
    "set the topic's cleanup.policy to delete, or what else the reason names",
)
REFUSED_USER = Lasting(
    "a user who may not read the input, or write the outputs, any more",
    # Also matches TopicAuthorizationException and ClusterAuthorizationException.
    ("AuthorizationException",),
    QueryFailedError,
    "the line has the command that gives the right back",
)
LOGIN = Lasting(
    "a login or certificate that is not accepted, and was not replaced meanwhile",
    ("AuthenticationException", "SSLHandshakeException"),
    QueryFailedError,
    "see the login, its mechanism and the certificates that --kafka-config names",
)

LASTING = (
    POISON,
    DATA_LOSS,
    TOPIC,
    CHECKPOINT,
    REFUSED_RECORD,
    Lasting(
        "a record that is larger than Kafka takes",
        ("RecordTooLargeException", "RecordBatchTooLargeException"),
        QueryFailedError,
        "raise the topic's max.message.bytes, or the producer's max.request.size",
    ),
    REFUSED_USER,
    LOGIN,
    Lasting(
        "a broker or topic of another version than the client needs",
        ("UnsupportedVersionException", "UnsupportedForMessageFormatException"),
        QueryFailedError,
        "use a broker that Spark's Kafka client knows",
    ),
    Lasting(
        "a setting that Kafka's client does not take",
        ("ConfigException", "InvalidConfigurationException", "UnsupportedCompressionTypeException"),
        QueryFailedError,
        "mend the setting that the reason names; on a cluster each worker needs its files",
    ),
    Lasting(
        "bytes that cannot be read or written: serialization, a damaged record",
        (
            "SerializationException",
            "RecordDeserializationException",
            "NotSerializableException",
            "CorruptRecordException",
        ),
        QueryFailedError,
        "see the reason; a record that is damaged on the broker's disk has to be deleted there",
    ),
    Lasting(
        "a function of the plan that throws at a record",
        (
            "FAILED_EXECUTE_UDF",
            "SparkArithmeticException",
            "SparkNumberFormatException",
            "SparkDateTimeException",
            "SparkArrayIndexOutOfBoundsException",
            "SparkRuntimeException",
            "SparkUnsupportedOperationException",
        ),
        QueryFailedError,
        "use a model that answers every event (jobs/train_model.py makes one), and report it",
    ),
    Lasting(
        "a plan or class path that does not work",
        (
            "AnalysisException",
            "ClassNotFoundException",
            "NoClassDefFoundError",
            "NoSuchMethodError",
            "IncompatibleClassChangeError",
            "UnsupportedClassVersionError",
        ),
        QueryFailedError,
        "take the connector that belongs to this Spark, and no other jar of it",
    ),
)
"""In the order in which they are looked for."""

# Spark puts its error condition in brackets before a message, also before one that it wraps.
_CONDITION = re.compile(r"(?:^|terminated with exception: )\[([A-Z0-9_]+)")
_CLASS = re.compile(r"\b(?:[a-z]\w*\.){2,}([A-Z]\w*(?:Exception|Error))\b")
_WRAPPING = ("SparkException", "StreamingQueryException")


def lasting_among(causes: Sequence[Cause]) -> tuple[Lasting, Cause] | None:
    """The kind that the causes of a failure are of, and the one that says so, the deepest first.

    Args:
        causes: as `causes_of` gives them, the root last.
    """
    for cause in reversed(causes):
        names = set(_names(cause))
        for kind in LASTING:
            if any(name.endswith(kind.names) for name in names if kind.names) or any(
                words in cause.message for words in kind.words
            ):
                return kind, cause
    return None


def _names(cause: Cause) -> Iterable[str]:
    yield cause.name
    yield from _CONDITION.findall(cause.message)
    if cause.name in _WRAPPING:
        # What failed on an executor may have come over as text only.
        yield from _CLASS.findall(cause.message)


def table() -> str:
    """The table for docs/guarantees.md."""
    rows = ["| cause | exit code | what to do |", "| --- | --- | --- |"]
    rows += [f"| {kind.what} | {kind.error.exit_code} | {kind.remedy} |" for kind in LASTING]
    return "\n".join(rows) + "\n"


PAGE = project_home() / "docs" / "guarantees.md"
BEGIN = "<!-- Made by `python -m telco_churn.lasting`; a test compares. -->\n"
END = "<!-- end -->\n"


def page_with_table(page: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with_table(PAGE.read_text("utf-8")), encoding="utf-8")
    sys.stdout.write(f"{PAGE} is written\n")
