"""How many records a contestant has written so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from launcher.child import Child
from sandbox.kafka.topics import CustomerTopics

_ANSWER_SECONDS = 30


class Outputs:
    """The output topics, which must be there; use it in a `with` statement."""

    def __init__(self, broker: str, topics: CustomerTopics) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": broker, "group.id": "outputs", "log_level": 0}
        )
        self._counted = 0
        known = self._consumer.list_topics(timeout=_ANSWER_SECONDS).topics
        self.partitions = [
            TopicPartition(topic, number)
            for topic in (topics.predictions, topics.dead_letters)
            for number in known[topic].partitions
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def count(self) -> int:
        """Records in them, as far as Kafka tells."""
        # A topic that has just been made may have no leader for a moment; who waits asks again.
        with suppress(KafkaException):
            ends = [
                self._consumer.get_watermark_offsets(one, timeout=_ANSWER_SECONDS)
                for one in self.partitions
            ]
            self._counted = sum(end[1] for end in ends if end)
        return self._counted

    def wait_for(self, count: int, child: Child, limit_seconds: float) -> None:
        """Returns when a child has written so many records; raises as `wait_until` does."""
        wait_until(lambda: self.count() >= count, child, limit_seconds)


def wait_until(is_done: Callable[[], bool], child: Child, limit_seconds: float) -> None:
    """Returns when something is done that a child works at.

    Raises:
        RuntimeError: the child ends before, or takes too long.
    """
    deadline = time.monotonic() + limit_seconds
    while not is_done():
        # It may have ended in good order between the two questions.
        if not child.is_running and not is_done():
            raise RuntimeError(f"{child.name} ended with {child.exit_code}: {child.complaint()}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{child.name} takes too long: {child.last_lines()}")
        time.sleep(0.1)
