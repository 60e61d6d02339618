"""The producer: publishes customer events to Kafka, from a CSV file or made up."""

from __future__ import annotations

import logging
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from types import FrameType

from tqdm import tqdm

from churn_tools.producer.contract_validator import ContractValidator
from churn_tools.producer.csv_checkpoint import CsvCheckpoint
from churn_tools.producer.feed import Feed, Inspector, StopRequest
from churn_tools.producer.pacing import Pacer
from churn_tools.producer.publisher import Publisher, Record
from churn_tools.producer.settings import ProducerSettings, parse_settings
from churn_tools.producer.source import CustomerCsv, synthetic_events, to_records
from stream_telemetry.logs.configure import LogTargets, close_logging, configure_logging
from telco_churn.errors import SettingsError
from telco_churn.paths import read_schema

_SAMPLE_EVENTS = 3
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(arguments: Sequence[str]) -> None:
    """Runs the producer with command-line arguments; writes one line of totals to stdout.

    SIGINT or SIGTERM ends it after the records under way; a second one ends it at once.

    Raises:
        SettingsError: an option, the CSV file or the checkpoint file is unusable.
        KafkaUnavailableError: no broker, no such topic, or records that Kafka did not take.
    """
    settings = parse_settings(arguments)
    contract = read_schema("customer_event")
    inspector = Inspector(ContractValidator(contract), settings.topic)
    source = CustomerCsv(settings.csv, contract) if settings.csv else None
    checkpoint = (
        CsvCheckpoint(settings.checkpoint_file, source)
        if settings.checkpoint_file and source
        else None
    )
    events = (
        source.events(checkpoint.place if checkpoint else None)
        if source
        else synthetic_events(settings.synthetic or 0, settings.seed)
    )
    records = to_records(events, settings.bad_ratio, settings.seed)
    with _logging(settings), _stop_on_signals() as stop:
        if settings.is_dry_run:
            _show(
                records, inspector, limit=settings.batch_size if settings.synthetic == 0 else None
            )
        else:
            _send(records, inspector, checkpoint, settings, stop)


def _show(records: Iterator[Record], inspector: Inspector, limit: int | None) -> None:
    """Checks the records, and writes the first good ones and the totals to stdout."""
    accepted = 0
    try:
        for record in islice(records, limit):
            if inspector.accepts(record):
                accepted += 1
                if accepted <= _SAMPLE_EVENTS and record.value is not None:
                    sys.stdout.write(f"{record.value.decode()}\n")
    finally:
        sys.stdout.write(f"dry run: {accepted} valid, {inspector.refused} invalid, nothing sent\n")


def _send(
    records: Iterator[Record],
    inspector: Inspector,
    checkpoint: CsvCheckpoint | None,
    settings: ProducerSettings,
    stop: StopRequest,
) -> None:
    if checkpoint:
        # Before anything is sent, so that a file that cannot be written is found now.
        checkpoint.write(checkpoint.place)
    publisher = Publisher(settings.broker, settings.topic)
    started = time.monotonic()
    with tqdm(
        total=settings.synthetic or None, unit=" events", disable=None, file=sys.stderr
    ) as progress:

        def on_batch(batch_size: int) -> None:
            progress.update(batch_size)
            if checkpoint:
                checkpoint.write(checkpoint.source.place)

        feed = Feed(
            publisher,
            inspector if settings.is_validating else None,
            Pacer(settings.rate),
            stop,
            settings.batch_size,
            on_batch,
        )
        try:
            feed.send(records)
        except SettingsError:
            # The source broke off; what came before is on its way and counts.
            feed.end_batch()
            raise
        finally:
            progress.close()
            seconds = time.monotonic() - started
            sys.stdout.write(
                f"sent {publisher.sent}, failed {publisher.failed}, invalid {inspector.refused} "
                f"in {seconds:.1f} s ({publisher.sent / max(seconds, 1e-9):.0f} events/s)\n"
            )


@contextmanager
def _stop_on_signals() -> Iterator[StopRequest]:
    stop = StopRequest()

    def restore() -> None:
        for number, action in before.items():
            signal.signal(number, action)

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        stop.is_made = True
        restore()

    before = {number: signal.signal(number, request_stop) for number in _STOP_SIGNALS}
    try:
        yield stop
    finally:
        restore()


class _ProgressBarHandler(logging.Handler):
    """Writes lines above the progress bar instead of into it."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


@contextmanager
def _logging(settings: ProducerSettings) -> Iterator[None]:
    targets = LogTargets(
        name="kafka_producer",
        directory=settings.log_dir,
        level=settings.log_level,
        loggers=("kafka_producer", "stream_telemetry"),
    )
    configure_logging(targets, _ProgressBarHandler())
    try:
        yield
    finally:
        close_logging()
