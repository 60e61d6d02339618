"""What librdkafka says, in our own log and without the repetitions."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaError

from stream_telemetry.logs.rate_limit import News

NAME = "stream_telemetry.kafka"
_REPEAT_SECONDS = 60.0


class NoRepeats(logging.Filter):
    """Lets a message through once a minute, whatever the numbers in it are.

    A client whose broker is away says so with each attempt to connect.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._news = News(_REPEAT_SECONDS, clock)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it is news."""
        return self._news.is_news(re.sub(r"\d+", "", record.getMessage()))


def client_logger() -> logging.Logger:
    """A logger to give to a client of confluent-kafka."""
    logger = logging.getLogger(NAME)
    if not any(isinstance(known, NoRepeats) for known in logger.filters):
        logger.addFilter(NoRepeats())
    return logger


@contextmanager
def unlogged() -> Iterator[None]:
    """A block in which clients write no lines."""
    client_logger().disabled = True
    try:
        yield
    finally:
        client_logger().disabled = False


def log_client_error(error: KafkaError) -> None:
    """For a client's `error_cb`: the client tries again by itself, so this is a warning."""
    client_logger().warning(
        "Kafka client: %s; it tries again", error.str(), extra={"error_type": "kafka_error"}
    )
