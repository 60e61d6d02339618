"""Records a second from Kafka to Kafka: the job, and what it is to be compared with.

Preloads a topic on a Kafka of its own, then lets each contestant work through all of it, one after
another, each from a cold start. Those that do the same work must come to the same outcomes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from contestants import HOME, MASTER, Contestant, contestants
from pyspark.sql import SparkSession
from table import print_machine, print_table
from weights import weights_of, write_weights

from churn_tools.producer.publisher import Publisher
from churn_tools.producer.source import synthetic_events, to_records
from launcher.java import use_chosen_java
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.read_back import answered, read_topic
from sandbox.kafka.topics import CustomerTopics, create_topics, delete_topics
from stream_telemetry.broker.read import object_of
from telco_churn.model.loading import load_model
from telco_churn.query.settings import BrokerSettings

DISTINCT_RECORDS = 20_000
INPUT_TOPIC = "telco.raw.customers"
LARGEST_DIFFERENCE = 1e-9
"""Between the probabilities that two scorers give one customer."""


@dataclass(frozen=True)
class Result:
    """What one contestant did.

    Attributes:
        probabilities: by source partition and offset; a dead letter counts as -1.
        output_seconds: from the first to the last output record, by the broker's clock.
        late_seconds: from the middle one to the last, when the JVM has compiled most of what it
            runs.
        query_seconds: from the plan of the first batch to the commit of the last.
    """

    probabilities: dict[tuple[int, int], float]
    output_seconds: float
    late_seconds: float
    query_seconds: float


def preload(broker: str, count: int, bad_ratio: float) -> None:
    """Fills the input topic (3 partitions) with `count` synthetic records."""
    create_topics(broker, {INPUT_TOPIC: 3})
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
    outputs = {topics.predictions: 3, topics.dead_letters: 1}
    # The broker's time: a record's own would be the moment when its producer was given it.
    create_topics(broker, outputs, {"message.timestamp.type": "LogAppendTime"})
    query_seconds = contestant.run(broker, topics, directory)
    probabilities, written = {}, []
    for topic in outputs:
        for message in read_topic(broker, topic):
            written.append(message.timestamp()[1])
            if contestant.is_scoring:
                _, partition, offset = answered(message)
                probabilities[partition, offset] = object_of(message).get("churn_probability", -1.0)
    if len(written) != count or (contestant.is_scoring and len(probabilities) != count):
        raise RuntimeError(f"{contestant.name} wrote {len(written)} records for {count}")
    delete_topics(broker, outputs)
    first, middle, last = (sorted(written)[place] for place in (0, count // 2, -1))
    return Result(probabilities, (last - first) / 1_000, (last - middle) / 1_000, query_seconds)


def require_same_outcomes(name: str, result: Result, expected: Result) -> None:
    """Raises RuntimeError where a contestant comes to another outcome than the job."""
    for place, probability in expected.probabilities.items():
        if abs(result.probabilities[place] - probability) > LARGEST_DIFFERENCE:
            found = result.probabilities[place]
            raise RuntimeError(f"{name}: {place} gives {found}, the job gives {probability}")


def print_results(results: Sequence[tuple[Contestant, Result]], count: int) -> None:
    """Prints records/s, and the ratio to the job's, by three measures."""
    job = results[0][1]
    rows = [
        (
            contestant.name,
            *_compared(count / result.query_seconds, count / job.query_seconds),
            *_compared(count / result.output_seconds, count / job.output_seconds),
            *_compared(count / 2 / result.late_seconds, count / 2 / job.late_seconds),
        )
        for contestant, result in results
    ]
    ratio = "to the job"
    print_table(("records/s", "query", ratio, "outputs", ratio, "second half", ratio), rows)


def _compared(rate: float, other: float) -> tuple[str, str]:
    return f"{rate:,.0f}", f"{rate / other:.2f}"


def prepare_weights(path: Path) -> None:
    """Writes the shipped model's weights to a file, for the loop."""
    use_chosen_java()
    spark = (
        SparkSession.builder.master("local[1]")
        .config("spark.ui.enabled", False)
        .config("spark.ui.showConsoleProgress", False)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    write_weights(path, weights_of(load_model(HOME / "models" / "churn")))
    spark.stop()


def main() -> None:
    """Runs the benchmark, from command-line arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--bad-ratio", type=float, default=0.01)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        weights = Path(scratch) / "weights.json"
        prepare_weights(weights)
        with KafkaBroker(Path(scratch) / "kafka") as broker:
            servers = broker.bootstrap_servers
            preload(servers, options.records, options.bad_ratio)
            results: list[tuple[Contestant, Result]] = []
            for number, contestant in enumerate(contestants(weights)):
                directory = Path(scratch) / f"contestant-{number}"
                result = measure(contestant, servers, directory, options.records)
                results.append((contestant, result))
                sys.stderr.write(f"{contestant.name}: {result.query_seconds:.1f} s\n")
                if contestant.is_scoring:
                    require_same_outcomes(contestant.name, result, results[0][1])
    print(f"{options.records:,} records, {options.bad_ratio:.0%} broken; Spark at {MASTER}")
    print_machine()
    print_results(results, options.records)


if __name__ == "__main__":
    main()
