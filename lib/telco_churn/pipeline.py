"""What happens to a record, from the input topic to the output topics. Start reading here.

The plan is Spark expressions only, in three projections. No step drops a row: a record that is
refused is scored like any other, and its score is thrown away. So one plan and one sink serve
micro-batches, `--trigger once` and real-time mode, and records in = predictions + dead letters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from stream_telemetry.batch.clock import nanoseconds_col, wall_clock_col
from stream_telemetry.batch.observation import Observation
from telco_churn.contract.parser import EventParser
from telco_churn.model.features import feature_cols
from telco_churn.model.loading import Model
from telco_churn.model.scoring import PROBABILITY, SHADOW_PROBABILITY
from telco_churn.outcome.counted import make_observation, violation_counts_col
from telco_churn.outcome.dead_letters import bounded_value_cols
from telco_churn.outcome.routing import Routes, error_type_col, is_good_col, record_cols
from telco_churn.outcome.watched_model import make_counting, make_shadow_counting
from telco_churn.record.kind import RecordKind


@dataclass(frozen=True)
class ChurnPipeline:
    """Scores events of one kind.

    Attributes:
        kind: of the events.
        parser: reads them.
        model: decides.
        routes: the topics to write to.
        observation: what is counted; with a shadow, how that is compared.
        shadow: scores good records too, and changes nothing of what is written.
    """

    kind: RecordKind
    parser: EventParser
    model: Model
    routes: Routes
    observation: Observation
    shadow: Model | None = None

    @classmethod
    def by(
        cls,
        model: Model,
        *,
        kind: RecordKind,
        parser: EventParser,
        routes: Routes,
        shadow: Model | None = None,
    ) -> ChurnPipeline:
        """The pipeline that scores by a model, and counts what it was fitted to."""
        manifest, label = model.manifest, kind.label
        compared = make_shadow_counting(manifest, shadow.manifest, label) if shadow else None
        observation = make_observation(parser.fields, make_counting(manifest, label), compared)
        return cls(kind, parser, model, routes, observation, shadow)

    def transform(self, records: DataFrame) -> DataFrame:
        """The records to write, one for each record read.

        Args:
            records: as the Kafka source gives them: `key`, `value` BINARY, `topic` STRING,
                `partition` INT, `offset` BIGINT, `timestamp` TIMESTAMP, `headers` ARRAY<STRUCT>.

        Returns:
            `key` BINARY, `value` STRING, `topic` STRING, `headers` ARRAY<STRUCT>: for the sink,
            which passes over the figures `_observed_…` beside them.
        """
        return (
            records.transform(self.read)
            .transform(self.judge)
            .transform(self.compare)
            .transform(self.answer)
            .transform(self.observation.count)
        )

    def read(self, records: DataFrame) -> DataFrame:
        """`event`: what can be read of the message, whatever it is."""
        started, event = nanoseconds_col(), self.parser.event_col()
        return records.select(
            *_ENVELOPE,
            *bounded_value_cols(),
            started.alias("started_ns"),
            event.alias("event"),
        )

    def judge(self, events: DataFrame) -> DataFrame:
        """`violations`: empty, or every broken rule; and `_probability`, right or not."""
        event, kind = F.col("event"), self.kind
        features = feature_cols(event, self.model.manifest.features, kind.event)
        before = [
            *map(F.col, (*_ENVELOPE, "value", "truncated", "started_ns")),
            event[kind.id.name].alias("event_id"),
            event[kind.time.name].alias("event_time"),
            # The clocks are read in this order: a refused record has its rules in `validated_ns`.
            self.parser.violations_col().alias("violations"),
            nanoseconds_col().alias("validated_ns"),
            *self._watched(features),
            nanoseconds_col().alias("featured_ns"),
            *([F.col("event")] if self.shadow else []),
        ]
        after = [nanoseconds_col().alias("scored_ns"), wall_clock_col().alias("scored_ts")]
        return self.model.scorer.select_scored(events, features, before, after)

    def compare(self, scored: DataFrame) -> DataFrame:
        """`_shadow_probability`, of a shadow that takes columns of its own."""
        if not self.shadow or self._shadow_col() is not None:
            return scored
        kept = [F.col(name) for name in scored.columns if name != "event"]
        scorer, features = self.shadow.scorer, self._shadow_features(self.shadow)
        return scorer.select_scored(scored, features, kept, [], SHADOW_PROBABILITY)

    def answer(self, scored: DataFrame) -> DataFrame:
        """The prediction or the dead letter, and what is counted of it."""
        manifest, watched = self.model.manifest, self.observation.model
        computed = {
            "error_type": error_type_col(),
            "violation_counts": violation_counts_col(self.parser.fields),
        }
        if watched:
            figures = watched.figure_cols(F.col(PROBABILITY), F.col("cells"), F.col("label"))
            computed |= {f"model_{name}": figure for name, figure in figures.items()}
        if shadow := self.observation.shadow:
            # After the clocks, which are columns by now: no time of a record has it in.
            beside = self._shadow_col()
            score = F.col(SHADOW_PROBABILITY) if beside is None else beside
            record = shadow.record_col(F.col(PROBABILITY), score, F.col("label"))
            computed["shadow"] = F.when(is_good_col(), record)
        return scored.select(
            *record_cols(self.routes, self.kind.prediction, manifest.version, manifest.threshold),
            *self.observation.figures(computed),
        )

    def _shadow_col(self) -> Column | None:
        """What the shadow gives an `event`, if an expression can say it."""
        if not self.shadow:
            return None
        return self.shadow.scorer.probability_col(self._shadow_features(self.shadow))

    def _shadow_features(self, shadow: Model) -> Mapping[str, Column]:
        return feature_cols(F.col("event"), shadow.manifest.features, self.kind.event)

    def _watched(self, features: Mapping[str, Column]) -> list[Column]:
        """What tells drift and accuracy: `cells`, and `label` where there are labels."""
        watched, label = self.observation.model, self.kind.label
        if not watched:
            return []
        cells = watched.cells_col(features).alias("cells")
        if not label:
            return [cells]
        return [cells, watched.label_col(F.col("event")[label.name]).alias("label")]


_ENVELOPE = ("key", "topic", "partition", "offset", "timestamp", "headers")
