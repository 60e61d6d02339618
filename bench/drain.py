"""Lets a contestant work through a topic that is full, and reads what it has written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from contestants import Contestant
from outputs import Outputs
from watched import Meter

from churn_tools.producer.publisher import Publisher
from churn_tools.producer.source import synthetic_events, to_records
from sandbox.kafka.read_back import answered, read_topic
from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics
from stream_telemetry.broker.read import object_of
from telco_churn.query.settings import BrokerSettings

DISTINCT_RECORDS = 20_000
INPUT_TOPIC = "telco.raw.customers"
PARTITIONS = 3
TIME_LIMIT_SECONDS = 600.0

Probabilities = Mapping[tuple[int, int], float]


@dataclass(frozen=True)
class Written:
    """What is in the output topics.

    Attributes:
        probabilities: by source partition and offset; a dead letter counts as -1.
        times: of the first output record, the middle one and the last, by the broker's clock.
    """

    probabilities: Probabilities
    times: tuple[float, float, float]


@dataclass(frozen=True)
class Result:
    """What one contestant did.

    Attributes:
        written: its outputs.
        query_seconds: from the plan of the first batch, if known, else its output, to the last.
        late_seconds: from the middle output to the last.
        start_seconds: from the command to the first output.
        query_cpu: core-seconds of that time, by cause.
        late_cpu: core-seconds from the middle output to the last.
        start_cpu: core-seconds until the first output.
    """

    written: Written
    query_seconds: float
    late_seconds: float
    start_seconds: float
    query_cpu: Mapping[str, float]
    late_cpu: float
    start_cpu: float


def preload(broker: str, count: int, bad_ratio: float) -> None:
    """Fills the input topic (3 partitions) with `count` synthetic records."""
    create_topics(broker, {INPUT_TOPIC: PARTITIONS})
    distinct = list(to_records(synthetic_events(DISTINCT_RECORDS, seed=1), bad_ratio, seed=1))
    publisher = Publisher(BrokerSettings(broker=broker), INPUT_TOPIC)
    for record in islice(cycle(distinct), count):
        publisher.publish(record)
    publisher.flush()
    if publisher.sent != count:
        raise RuntimeError(f"only {publisher.sent} of {count} records were taken")


def measure(contestant: Contestant, broker: str, directory: Path, count: int) -> Result:
    """Runs a contestant on topics of its own and reads what it wrote.

    Raises:
        RuntimeError: it fails, or does not answer every record once.
    """
    topics = CustomerTopics(INPUT_TOPIC, f"{directory.name}.out", f"{directory.name}.dead")
    outputs = {topics.predictions: PARTITIONS, topics.dead_letters: 1}
    # The broker's time: a record's own would be the moment when its producer was given it.
    create_topics(broker, outputs, {"message.timestamp.type": "LogAppendTime"})
    child = contestant.start(broker, topics, directory)
    try:
        with Outputs(broker, topics) as written, Meter(child.pid) as meter:
            written.wait_for(count, child, TIME_LIMIT_SECONDS)
    finally:
        child.kill()
    found = read(contestant, broker, topics, count)
    delete_topics(broker, outputs)
    started, (first, middle, last) = meter.times[0], found.times
    begun = contestant.begun(directory) or first
    return Result(
        found,
        query_seconds=last - begun,
        late_seconds=last - middle,
        start_seconds=first - started,
        query_cpu=meter.between(begun, last),
        late_cpu=sum(meter.between(middle, last).values()),
        start_cpu=sum(meter.between(started, first).values()),
    )


def read(contestant: Contestant, broker: str, topics: CustomerTopics, count: int) -> Written:
    """What a contestant has written.

    Raises:
        RuntimeError: it is not one answer to each record.
    """
    probabilities, times = {}, []
    for topic in (topics.predictions, topics.dead_letters):
        for message in read_topic(broker, topic):
            times.append(message.timestamp()[1] / 1_000)
            if contestant.is_scoring:
                _, partition, offset = answered(message)
                probabilities[partition, offset] = object_of(message).get("churn_probability", -1.0)
    if len(times) != count or (contestant.is_scoring and len(probabilities) != count):
        raise RuntimeError(f"{contestant.name} wrote {len(times)} records for {count}")
    times.sort()
    return Written(probabilities, (times[0], times[count // 2], times[-1]))
