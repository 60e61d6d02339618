"""What happens to a label, and to the prediction that it is about. Start reading here.

    predictions ─ read ─┐
                        ├─ join by id ─ pair ─ first of each prediction ─ counts
    labels ────── read ─┘

A label is about each prediction of its id whose event was at most `--label-window` before it. The
first label judges a prediction; others that follow, and copies of the prediction, are repeated.

How long one is kept for the other goes by the batches' own clock: a backlog makes no record too
late, a topic that is silent holds nothing up, and a time in the future that a label may have moves
nothing. The plan is Spark expressions only, and writes nothing but counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from churn_tools.labels.label_kind import LabelKind
from churn_tools.labels.observed_labels import (
    JUDGED,
    MISSING,
    UNMATCHED,
    count_first,
    count_pairs,
    tell_model,
    tell_refused,
)
from churn_tools.labels.settings import LabelSettings
from stream_telemetry.batch.clock import nanoseconds_col, wall_clock_col
from stream_telemetry.batch.observation import Observation
from stream_telemetry.batch.own_figures import OwnFigures
from telco_churn.contract.parser import EventParser
from telco_churn.contract.schema import Contract
from telco_churn.outcome import source_headers
from telco_churn.outcome.counted import counted_fields, violation_counts_col

PREDICTIONS, LABELS = "predictions", "labels"
"""What is read, and the places where `observation` counts it."""
REFUSED = {PREDICTIONS: "unreadable_prediction", LABELS: "unreadable_label"}
_LONGEST_VERSION = 200


@dataclass(frozen=True)
class LabelPlan:
    """Judges predictions by labels that come later."""

    kind: LabelKind
    waiting: LabelSettings
    observation: Observation

    def transform(self, predictions: DataFrame, labels: DataFrame) -> DataFrame:
        """One row for each prediction that is judged, or waits no longer, and for lonely labels.

        Args:
            predictions: as the Kafka source gives them, with `headers`.
            labels: the same of the topic of labels.
        """
        made = predictions.transform(self.read_predictions)
        known = labels.transform(self.read_labels)
        return (
            made.join(known, self.is_about_col(), "full_outer")
            .transform(self.pair)
            .transform(count_pairs)
            .dropDuplicatesWithinWatermark(["about"])
            .transform(count_first)
        )

    def read_predictions(self, records: DataFrame) -> DataFrame:
        """What can be read of the predictions.

        Returns:
            `predicted_id` STRING; `about` STRING, the record that it answers; `made_at` TIMESTAMP,
            of the event; `score` DOUBLE; `decided` INT, 1 for yes; `version` STRING; `made_came`
            TIMESTAMP, of the batch.
        """
        names, event = self.kind.form.names, F.col("event")
        read = self._read(records, self.kind.predictions, PREDICTIONS)
        return (
            read.select(
                event[names["id"]].alias("predicted_id"),
                F.coalesce(_answered_col(), _address_col()).alias("about"),
                _time_col(names["time"]).alias("made_at"),
                event[names["probability"]].alias("score"),
                (event[names["decision"]] == self.kind.form.yes).cast("int").alias("decided"),
                F.left(event[names["model_version"]], F.lit(_LONGEST_VERSION)).alias("version"),
                _time_col(names["scored_time"]).alias("scored_at"),
                F.current_timestamp().alias("made_came"),
            )
            .transform(tell_model)
            .drop("scored_at")
            .withWatermark("made_came", self._slack)
        )

    def read_labels(self, records: DataFrame) -> DataFrame:
        """What can be read of the labels.

        Returns:
            `labelled_id` STRING; `told_by` STRING, the label's own record; `label` INT, 1 for yes;
            `true_at` TIMESTAMP; `label_came` TIMESTAMP, of the batch.
        """
        names, event = self.kind.names, F.col("event")
        return (
            self._read(records, self.kind.labels, LABELS)
            .select(
                event[names["id"]].alias("labelled_id"),
                _address_col().alias("told_by"),
                (event[names["label"]] == self.kind.label.yes).cast("int").alias("label"),
                _time_col(names.get("time")).alias("true_at"),
                F.current_timestamp().alias("label_came"),
            )
            .withWatermark("label_came", self._slack)
        )

    def is_about_col(self) -> Column:
        """BOOLEAN: the label is about the prediction; and how long either is kept for the other."""
        window, delay = self.waiting.label_window, self.waiting.label_delay
        made, came = F.col("made_at"), F.col("made_came")
        is_in_time = F.col("true_at").between(made, made + _seconds(window))
        return (
            (F.col("predicted_id") == F.col("labelled_id"))
            # In one piece: how long it keeps a row, Spark is to take from the other two alone.
            & F.coalesce(is_in_time, F.lit(False))
            & (F.col("label_came") >= came - _seconds(delay))
            & (F.col("label_came") <= came + _seconds(window + delay))
        )

    def pair(self, joined: DataFrame) -> DataFrame:
        """What a row says of its prediction.

        Returns:
            `about` STRING, of a label without a prediction the label itself; `made_came`; `fate`
            STRING; `judgement` STRING, where it is judged: label, decision, the score in
            thousandths, and the model's version.
        """
        fate = F.when(F.col("predicted_id").isNull(), UNMATCHED)
        fate = fate.when(F.col("labelled_id").isNull(), MISSING).otherwise(JUDGED)
        score = F.round(F.col("score") * 1000).cast("int")
        judgement = F.concat_ws(" ", "label", "decided", score, "version")
        return joined.select(
            F.coalesce("about", "told_by").alias("about"),
            "made_came",
            fate.alias("fate"),
            F.when(fate == JUDGED, judgement).alias("judgement"),
        )

    def _read(self, records: DataFrame, contract: Contract, place: str) -> DataFrame:
        """The records that follow a contract, with `event`; all of them are counted."""
        checked = (
            records.withColumn("started_ns", nanoseconds_col())
            .transform(EventParser(contract).checked)
            .withColumns(
                {
                    "refused": F.when(F.size("violations") > 0, REFUSED[place]),
                    "broken_rules": violation_counts_col(self.kind.fields),
                    "ended_ns": nanoseconds_col(),
                    "ended_ts": wall_clock_col(),
                }
            )
        )
        counted = tell_refused(self.observation.observe(checked, place), place)
        return counted.where(F.col("refused").isNull())

    @property
    def _slack(self) -> str:
        # By so much the clock may be set back, and no record is taken for one that is too late.
        return f"{self.waiting.label_delay} seconds"


def make_observation(kind: LabelKind, own: OwnFigures) -> Observation:
    """What is counted of all records that are read.

    Args:
        kind: what they look like.
        own: what is told besides.
    """
    return Observation(
        operations={"total": ("started_ns", "ended_ns")},
        finished="ended_ts",
        outcome="refused",
        error_types=tuple(REFUSED.values()),
        violations="broken_rules",
        fields=counted_fields(kind.fields),
        places=(PREDICTIONS, LABELS),
        own=own,
    )


def _answered_col() -> Column:
    """STRING: the record that a prediction answers; null where its headers do not name one."""
    # With its time, for a topic that is made anew has other records in the same places.
    place = (source_headers.TOPIC, source_headers.PARTITION, source_headers.OFFSET)
    return F.concat(*_joined(_header_col(name) for name in (*place, source_headers.TIMESTAMP)))


def _address_col() -> Column:
    """STRING: the record itself."""
    return F.concat(*_joined(F.col(name) for name in ("topic", "partition", "offset")))


def _joined(parts: Iterable[Column]) -> list[Column]:
    first, *others = parts
    return [first, *(part for other in others for part in (F.lit("-"), other))]


def _header_col(name: str) -> Column:
    """STRING: the last header of that name, which is the job's own."""
    named = F.filter("headers", lambda header: header["key"] == name)
    return F.try_element_at(named, F.lit(-1))["value"].cast("string")


def _time_col(name: str | None) -> Column:
    """TIMESTAMP: a field of the event; when the record was sent, where it has none to be read."""
    sent = F.col("timestamp")
    return F.coalesce(F.try_to_timestamp(F.col("event")[name]), sent) if name else sent


def _seconds(count: int) -> Column:
    return F.expr(f"interval {count} seconds")
