"""The first results, shown while they arrive."""

from __future__ import annotations

from typing import Final

from confluent_kafka import Message

from sandbox.kafka.read_back import scored_at_seconds
from sandbox.kafka.topics import CustomerTopics, Kafka, client_of
from stream_telemetry.broker.read import RecordAddress, TopicReader, headers_of, object_of
from telco_churn.outcome.source_headers import TIMESTAMP

PREDICTIONS_SHOWN: Final = 5
DEAD_LETTERS_SHOWN: Final = 1
_LONGEST_REASON: Final = 100


class Preview:
    """The first predictions and the first dead letter, one line each."""

    def __init__(self, kafka: Kafka, topics: CustomerTopics) -> None:
        self._left = {
            topics.predictions: PREDICTIONS_SHOWN,
            topics.dead_letters: DEAD_LETTERS_SHOWN,
        }
        self._wanted = dict(self._left)
        self._dead_letters = topics.dead_letters
        self._reader: TopicReader | None = TopicReader(client_of(kafka), [*self._left])
        self._reader.begin()

    @property
    def has_begun(self) -> bool:
        """Whether there was a result."""
        return self._reader is None or self._left != self._wanted

    @property
    def is_over(self) -> bool:
        """Whether enough was shown."""
        return self._reader is None

    def new_lines(self) -> list[str]:
        """Lines for results that have arrived since; none once enough was shown."""
        if self._reader is None:
            return []
        lines = []
        # Short, because the same loop watches the sandbox's processes.
        for message in self._reader.poll(0.05, most=10):
            topic = str(message.topic())
            if self._left[topic] > 0:
                self._left[topic] -= 1
                lines.append(
                    dead_letter_line(message)
                    if topic == self._dead_letters
                    else prediction_line(message)
                )
        # Enough has been shown; reading on would only take time from the job.
        if not any(self._left.values()):
            self.close()
        return lines

    def close(self) -> None:
        """Lets go of the broker."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def prediction_line(message: Message) -> str:
    """One prediction for a person."""
    prediction = object_of(message)
    seconds = scored_at_seconds(message) - int(headers_of(message)[TIMESTAMP]) / 1000
    return (
        f"prediction   {prediction.get('customerID')}  "
        f"churn {float(prediction.get('churn_probability', 'nan')):6.1%} -> "
        f"{prediction.get('prediction')!s:<3}  {seconds:.1f} s after it was sent"
    )


def dead_letter_line(message: Message) -> str:
    """One dead letter for a person, without the message that it holds."""
    letter = object_of(message)
    reason = str(letter.get("error_message"))
    shortened = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]} ..."
    return f"dead letter  {letter.get('error_type')}: {shortened}  ({RecordAddress.of(message)})"
