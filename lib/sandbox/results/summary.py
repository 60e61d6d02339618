"""What became of the events, told from the topics alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

from confluent_kafka import Message

from sandbox.kafka.read_back import answered, read_topic, scored_at_seconds
from sandbox.kafka.topics import CustomerTopics, Kafka
from stream_telemetry.broker.read import RecordAddress, headers_of, object_of
from telco_churn.outcome.source_headers import LATENCY


@dataclass(frozen=True)
class Summary:
    """The balance between events and what was made of them.

    Attributes:
        read: Events in the input topic.
        predictions: Records in the predictions topic.
        dead_letters: Records in the dead-letter topic.
        unaccounted: Events that have neither.
        repeated: Output records beyond the first of an event, and those of no event.
        reasons: Dead letters by `error_type`.
        violations: Violated rules by field and code.
        plan_ms: The `latency_ms` headers of the predictions, milliseconds.
        age_seconds: From an event's Kafka timestamp to its prediction's `processed_ts`.
    """

    read: int
    predictions: int
    dead_letters: int
    unaccounted: int
    repeated: int
    reasons: Counter[str]
    violations: Counter[str]
    plan_ms: Sequence[float]
    age_seconds: Sequence[float]

    @property
    def is_balanced(self) -> bool:
        """Whether each event has exactly one prediction or dead letter."""
        return self.unaccounted == 0 and self.repeated == 0

    def __str__(self) -> str:
        lines = [
            f"read          {self.read:>8,}",
            f"predictions   {self.predictions:>8,}",
            f"dead letters  {self.dead_letters:>8,}",
            *(f"              {count:>8,}  {name}" for name, count in self.reasons.most_common()),
            *(
                f"              {count:>8,}  {name}"
                for name, count in self.violations.most_common()
            ),
            f"unaccounted   {self.unaccounted:>8,}",
            f"repeated      {self.repeated:>8,}",
            f"latency       {_spread(self.plan_ms, 'ms')}  in the job's plan (header latency_ms)",
            f"              {_spread(self.age_seconds, 's')}  from sent to scored (processed_ts)",
        ]
        return "\n".join(lines)


def summarise(kafka: Kafka, topics: CustomerTopics) -> Summary:
    """Reads the three topics from their beginning and compares them.

    Raises:
        SandboxError: if a topic cannot be read, or an output record does not name its event.
    """
    events = {RecordAddress.of(m): m.timestamp()[1] for m in read_topic(kafka, topics.raw)}
    predictions = list(read_topic(kafka, topics.predictions))
    letters = list(read_topic(kafka, topics.dead_letters))
    answers = Counter(answered(message) for message in (*predictions, *letters))
    return Summary(
        read=len(events),
        predictions=len(predictions),
        dead_letters=len(letters),
        unaccounted=len(events.keys() - answers.keys()),
        repeated=answers.total() - len(events.keys() & answers.keys()),
        reasons=Counter(str(object_of(letter).get("error_type")) for letter in letters),
        violations=Counter(rule for letter in letters for rule in violations(letter)),
        plan_ms=[float(headers_of(message)[LATENCY]) for message in predictions],
        age_seconds=[
            scored_at_seconds(message) - events[source] / 1000
            for message in predictions
            # An answer to no event has no age; it counts as repeated.
            if (source := answered(message)) in events
        ],
    )


def violations(letter: Message) -> list[str]:
    """The rules that a dead letter says were violated, as `field: code`."""
    return [
        f"{violation.get('field') or 'message'}: {violation.get('code')}"
        for violation in object_of(letter).get("validation_errors", [])
    ]


def _spread(values: Sequence[float], unit: str) -> str:
    # `quantiles` needs two values.
    if len(values) < 2:
        return f"median {'-':>8} {unit:2}  p95 {'-':>8} {unit:2}"
    p95 = quantiles(values, n=20, method="inclusive")[-1]
    return f"median {median(values):8,.2f} {unit:2}  p95 {p95:8,.2f} {unit:2}"
