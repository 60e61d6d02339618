"""A steady stream of customers while the job has its troubles."""

from __future__ import annotations

import base64
import itertools
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from churn_tools.customers.synthetic import synthetic_customers

TICK_SECONDS = 0.1


@contextmanager
def meanwhile(work: Callable[[], None], pause: float = TICK_SECONDS) -> Iterator[None]:
    """Does it again and again, so many seconds apart, until the end of the block."""
    is_over = threading.Event()

    def repeat() -> None:
        while not is_over.wait(pause):
            work()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@contextmanager
def load(broker: str, topic: str, rate: int = 60) -> Iterator[None]:
    """So many records a second until the end of the block, one in ten of them broken."""
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 5, "log_level": 0})
    customers = enumerate(synthetic_customers(1))

    def publish() -> None:
        for number, customer in itertools.islice(customers, int(rate * TICK_SECONDS)):
            producer.produce(topic, "{}" if number % 10 == 0 else json.dumps(customer))
        producer.poll(0)

    try:
        with meanwhile(publish):
            yield
    finally:
        # Whatever happened to the broker: what the test counts on must be there.
        assert producer.flush(60) == 0


def publish(broker: str, topic: str, count: int, partition: int = -1) -> None:
    """So many customers, acknowledged."""
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 5})
    for customer in itertools.islice(synthetic_customers(2), count):
        producer.produce(topic, json.dumps(customer), partition=partition)
        producer.poll(0)
    assert producer.flush(60) == 0


def publish_broken(
    broker: str, topic: str, count: int, size: int, batch_bytes: int = 1_000_000
) -> None:
    """So many records that become dead letters, of bytes that no codec makes smaller.

    Kafka gives them to those who read in batches as they were sent, of so many bytes at most.
    """
    producer = Producer({"bootstrap.servers": broker, "batch.size": batch_bytes})
    source = random.Random(1)
    for _ in range(count):
        producer.produce(topic, base64.b64encode(source.randbytes(size * 3 // 4)))
        producer.poll(0)
    assert producer.flush(60) == 0


def records_in(broker: str, *topics: str) -> int:
    """How many offsets the topics have used."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "load", "log_level": 0})
    try:
        known = consumer.list_topics(timeout=30).topics
        places = [TopicPartition(t, p) for t in topics for p in known[t].partitions]
        return sum(_end(consumer, place) for place in places)
    finally:
        consumer.close()


def _end(consumer: Consumer, place: TopicPartition, tries: int = 20) -> int:
    try:
        return int(consumer.get_watermark_offsets(place, timeout=30)[1])
    except KafkaException:
        # A partition that was just made, or whose broker was, has no leader for a moment.
        if tries == 0:
            raise
        time.sleep(0.5)
        return _end(consumer, place, tries - 1)
