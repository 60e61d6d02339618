"""Customers to judge a model on: a CSV file, or the events of a topic."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from confluent_kafka import KafkaException
from pyspark.sql import DataFrame, SparkSession

from churn_tools.producer.contract_validator import ContractValidator
from churn_tools.training.data import check_csv, csv_columns, read_customers
from stream_telemetry.broker.read import TopicReader
from telco_churn.errors import KafkaUnavailableError, SettingsError
from telco_churn.paths import read_document
from telco_churn.query.settings import BrokerSettings, topic
from telco_churn.record.kind import RecordKind

MOST_EVENTS = 100_000
"""No more of a topic are taken, from its beginning on."""


@dataclass(frozen=True)
class JudgeData:
    """A file, or else a topic.

    Attributes:
        name: what the manifest calls it.
        csv: the file; None for a topic.
        topic: its name; empty for a file.
    """

    name: str
    csv: Path | None = None
    topic: str = ""

    @classmethod
    def parse(cls, text: str) -> JudgeData:
        """What a user calls one of them; raises ValueError for what can be neither."""
        path = Path(text)
        if path.suffix == ".csv" or path.is_file():
            return cls(f"CSV file {path.name}", csv=path)
        try:
            return cls(f"events of the topic {text}", topic=topic(text))
        except ValueError as error:
            raise ValueError("is neither a file that is there nor a topic's name") from error

    def check(self, kind: RecordKind) -> None:
        """Looks at the file's first line; raises SettingsError when it lacks a column."""
        if self.csv is not None:
            check_csv(self.csv, kind, needs_labels=False)

    def read(
        self, spark: SparkSession, kafka: BrokerSettings, kind: RecordKind, scratch: Path
    ) -> DataFrame:
        """The customers, as `read_customers` gives them; labels may be null.

        Args:
            spark: the session.
            kafka: has the topic.
            kind: of record that they are.
            scratch: a directory for the events, until all has been computed.

        Raises:
            SettingsError: a row of the file cannot be used, or no event follows the contract.
            KafkaUnavailableError: the topic cannot be read.
        """
        source = self.csv
        if source is None:
            source = scratch / "events.csv"
            self._write_events(kafka, kind, source)
        return read_customers(spark, source, kind, needs_labels=False)

    def _write_events(self, kafka: BrokerSettings, kind: RecordKind, target: Path) -> None:
        columns = csv_columns(kind, needs_labels=kind.label is not None)
        with target.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, extrasaction="ignore")
            writer.writeheader()
            read = 0
            for event in islice(_events(kafka, kind, self.topic), MOST_EVENTS):
                writer.writerow(event)
                read += 1
        if not read:
            raise SettingsError(
                f"--judge {self.topic}: no event of the topic follows the contract; name another"
            )


def _events(kafka: BrokerSettings, kind: RecordKind, name: str) -> Iterator[dict[str, object]]:
    """Those that follow the contract; others the job refuses, so no model ever scores them."""
    validator = ContractValidator(read_document(Path(kind.event.name)))
    try:
        with TopicReader(kafka.client, [name]) as reader:
            for message in reader.read():
                try:
                    event = validator.parse(message.value())
                except ValueError:
                    continue
                if isinstance(event, dict) and not validator.violations(event):
                    yield event
    except KafkaException as error:
        raise KafkaUnavailableError(
            f"{kafka.broker} does not give the events of {name} ({error.args[0].str()}); see "
            "whether the topic is there"
        ) from error
