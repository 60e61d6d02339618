"""How long an event waits for its answer, as a Kafka consumer sees it, and what that takes.

    python bench/latency.py [--rates N …] [--minutes M] [--only NAME …]

Each contestant in its turn, on a Kafka of its own: a steady rate for a while to get warm, then for
so many minutes, then the next rate. The key of an event is the time when it was sent; its latency
ends when a consumer has its answer. Real-time mode has batches of a minute, whose ends are in it.
One per cent of the events is broken.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from multiprocessing.context import SpawnProcess
from pathlib import Path
from statistics import quantiles
from typing import Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from contestants import Contestant, loop, make_class_archives, passthrough, the_job
from drain import DISTINCT_RECORDS, PARTITIONS
from figures import Table, arguments, tell
from outputs import Outputs, wait_until
from watched import Meter
from weights import prepare_weights

from churn_tools.producer.pacing import Pacer
from churn_tools.producer.source import synthetic_events, to_records
from sandbox.kafka.broker import KafkaBroker
from sandbox.kafka.topics import CustomerTopics

TOPICS = CustomerTopics()
FIRST_RATE = 100
START_SECONDS = 180.0
SETTLED_SECONDS = 120.0
"""How long the answers to the last events may take."""

Sighting = tuple[float, float]
"""When an event was sent, and when its answer was there, in seconds since 1970."""


@dataclass(frozen=True)
class Seen:
    """What was seen at one rate: milliseconds of each event, and cores that were busy."""

    milliseconds: Sequence[float]
    cores: float

    def figures(self) -> tuple[float, ...]:
        """Percentiles 50, 90 and 99, the longest, and cores."""
        cuts = quantiles(self.milliseconds, n=100, method="inclusive")
        return cuts[49], cuts[89], cuts[98], max(self.milliseconds), self.cores


class Watch:
    """A consumer of the answers, in a `with` statement: it notes when each of them is there."""

    def __init__(self, broker: str, partitions: Sequence[TopicPartition]) -> None:
        self.seen: list[Sighting] = []
        self._events = set[float]()
        self._consumer = Consumer({"bootstrap.servers": broker, "group.id": "latency"})
        self._consumer.assign(
            [TopicPartition(one.topic, one.partition, OFFSET_BEGINNING) for one in partitions]
        )
        self._stop = threading.Event()
        self._reader = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._reader.join()
        self._consumer.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            message = self._consumer.poll(0.5)
            if message is not None and message.error() is None:
                answered = time.time()
                sent = float(message.key() or 0)
                self.seen.append((sent, answered))
                self._events.add(sent)

    def events(self) -> int:
        """How many events have an answer."""
        return len(self._events)


def send(broker: str, rate: int, seconds: float) -> None:
    """Sends events at a rate, for so long, each when it is due; returns when all are in Kafka."""
    records = cycle(list(to_records(synthetic_events(DISTINCT_RECORDS, seed=1), 0.01, seed=1)))
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 0})
    pacer = Pacer(rate)
    for _ in range(round(rate * seconds)):
        while (delay := pacer.delay_seconds()) > 0:
            time.sleep(delay)
        producer.produce(TOPICS.raw, next(records).value, str(time.time()))
        producer.poll(0)
        pacer.count_event()
    if left := producer.flush(SETTLED_SECONDS):
        raise RuntimeError(f"{left} events were not taken")


class Trial:
    """A contestant at work on a Kafka, with somebody who sends and somebody who watches.

    Attributes:
        child: its process.
        directory: of its files.
        watch: sees the answers.
    """

    def __init__(self, contestant: Contestant, broker: str, directory: Path, watch: Watch) -> None:
        self.directory = directory
        self.watch = watch
        self._contestant = contestant
        self._broker = broker
        self.start()

    def start(self) -> None:
        """Starts it, or starts it again."""
        self.child = self._contestant.start(self._broker, TOPICS, self.directory)

    def send(self, rate: int, seconds: float) -> SpawnProcess:
        """`send` in a process of its own, so that it does not keep the consumer waiting."""
        process = multiprocessing.get_context("spawn").Process(
            target=send, args=(self._broker, rate, seconds), daemon=True
        )
        process.start()
        return process

    def wait_for(self, events: int, limit_seconds: float = SETTLED_SECONDS) -> None:
        """Returns when so many events are answered; raises RuntimeError if that takes too long."""
        wait_until(lambda: self.watch.events() >= events, self.child, limit_seconds)

    def begin(self, seconds: float) -> int:
        """Returns when events of so many seconds are answered: how many that were.

        Raises:
            RuntimeError: they are not.
        """
        self.send(FIRST_RATE, seconds).join()
        self.wait_for(events := round(FIRST_RATE * seconds), START_SECONDS)
        return events

    def at_rate(self, rate: int, warm_seconds: float, seconds: float) -> Seen:
        """What is seen at a rate, after some time to get used to it.

        Raises:
            RuntimeError: an event has no answer.
        """
        meter = Meter(self.child.pid)
        expected = self.watch.events() + round(rate * (warm_seconds + seconds))
        process = self.send(rate, warm_seconds + seconds)
        time.sleep(warm_seconds)
        meter.sample()
        process.join()
        meter.sample()
        self.wait_for(expected)
        begin, end = meter.times
        milliseconds = [
            1_000 * (answered - sent) for sent, answered in self.watch.seen if begin <= sent <= end
        ]
        return Seen(milliseconds, sum(meter.between(begin, end).values()) / (end - begin))


@contextmanager
def trial(contestant: Contestant, directory: Path) -> Iterator[Trial]:
    """A contestant on a Kafka of its own; all that it leaves is below `directory`."""
    with KafkaBroker(directory / "kafka") as kafka:
        broker = kafka.bootstrap_servers
        TOPICS.create(broker)
        with Outputs(broker, TOPICS) as outputs, Watch(broker, outputs.partitions) as watch:
            running = Trial(contestant, broker, directory / "contestant", watch)
            try:
                yield running
            finally:
                running.child.kill()


def contestants(weights: Path) -> dict[str, Contestant]:
    """All, by the name of the row; real-time mode needs a slot for each partition."""
    batches, realtime = ("--trigger", "1 second"), ("--trigger", "realtime")
    return {
        "passthrough, 1 s": passthrough(*batches, slots=PARTITIONS, is_plain=True),
        "the job, 1 s": the_job(*batches, slots=PARTITIONS),
        "passthrough, real time": passthrough(*realtime, slots=PARTITIONS, is_plain=True),
        "the job, real time": the_job(*realtime, slots=PARTITIONS),
        "loop, scikit-learn": loop(weights, "sklearn"),
    }


def main() -> None:
    """Runs the benchmark, from command-line arguments."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rates", type=int, nargs="+", default=(100, 1_000, 3_000))
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--warm-seconds", type=float, default=20.0)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="rows of the tables")
    options = parser.parse_args()
    make_class_archives()
    seen: dict[str, list[Seen]] = {}
    with tempfile.TemporaryDirectory(prefix="latency-") as directory:
        scratch = Path(directory)
        prepare_weights(scratch / "weights.json")
        known = contestants(scratch / "weights.json")
        for number, name in enumerate(options.only or known):
            (scratch / str(number)).mkdir()
            with trial(known[name], scratch / str(number)) as running:
                # A JVM takes a while longer to get used to its work than to another rate.
                running.begin(4 * options.warm_seconds)
                seen[name] = [
                    running.at_rate(rate, options.warm_seconds, 60 * options.minutes)
                    for rate in options.rates
                ]
            sys.stderr.write(f"{name}: {seen[name][-1].figures()}\n")
    columns = {"p50, ms": ".1f", "p90, ms": ".1f", "p99, ms": ".1f", "max, ms": ".1f"}
    tables = [
        Table(
            f"{rate:,} events/s",
            {**columns, "cores": ".2f"},
            {name: at_rates[place].figures() for name, at_rates in seen.items()},
        )
        for place, rate in enumerate(options.rates)
    ]
    tell(tables, options.figures)


if __name__ == "__main__":
    main()
