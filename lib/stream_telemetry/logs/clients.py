"""What librdkafka says: in our own log without the repetitions, or as the reason of an error."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka import KafkaError

from stream_telemetry.logs.rate_limit import News

NAME = "stream_telemetry.kafka"
_REPEAT_SECONDS = 60.0
_REMEDIES = {
    KafkaError._AUTHENTICATION: "see the login in the file that --kafka-config names",
    KafkaError._SSL: "see the certificates on both sides, and those in the file that "
    "--kafka-config names",
}


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


def reason_and_remedy(complaints: Sequence[KafkaError], last: KafkaError) -> str:
    """Why a client gets no answer, in brackets, and what to do about it.

    Args:
        complaints: what `error_cb` was given.
        last: the error of the call that was given up; often just that time has run out.
    """
    told = next((c for c in complaints if c.code() in _REMEDIES), None)
    said = told or (complaints[0] if complaints else last)
    remedy = _REMEDIES.get(said.code(), "start it, or set --broker")
    # librdkafka guesses so from a connection that is closed at once.
    if "security.protocol" in said.str():
        remedy = "name a file with its login and TLS: --kafka-config"
    return f"({said.str()}); {remedy}"
