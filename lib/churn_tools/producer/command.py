"""The producer: publishes customer events to Kafka, from a CSV file or made up."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

from tqdm import tqdm

from churn_tools.producer.contract_validator import ContractValidator
from churn_tools.producer.csv_checkpoint import CsvCheckpoint
from churn_tools.producer.feed import Feed, Inspector
from churn_tools.producer.pacing import Pacer
from churn_tools.producer.publisher import Publisher, Record
from churn_tools.producer.settings import SendSettings, read_settings
from churn_tools.producer.source import CustomerCsv, shifted, synthetic_events, to_records
from churn_tools.stop_request import StopRequest, stop_on_signals
from stream_telemetry.logs.configure import LogTargets, close_logging, configure_logging
from stream_telemetry.logs.settings import LogSettings
from telco_churn.errors import SettingsError
from telco_churn.paths import read_schema

_SAMPLE_EVENTS = 3


def main(arguments: Sequence[str]) -> None:
    """Runs the producer with command-line arguments; writes one line of totals to stdout.

    SIGINT or SIGTERM ends it after the records under way; a second one ends it at once.

    Raises:
        SettingsError: an option, the CSV file or the checkpoint file is unusable.
        KafkaUnavailableError: no broker, no such topic, or records that Kafka did not take.
    """
    settings = read_settings(arguments, os.environ)
    customers, sending = settings.customers, settings.sending
    contract = read_schema("customer_event")
    inspector = Inspector(ContractValidator(contract), sending.topic)
    source = CustomerCsv(customers.csv, contract) if customers.csv else None
    checkpoint = (
        CsvCheckpoint(customers.checkpoint_file, source)
        if customers.checkpoint_file and source
        else None
    )
    events: Iterator[dict[str, object]] = (
        source.events(checkpoint.place if checkpoint else None)
        if source
        else synthetic_events(customers.synthetic or 0, customers.seed)
    )
    if customers.shift:
        events = shifted(events, *customers.shift)
    records = to_records(events, customers.bad_ratio, customers.seed)
    with _logging(settings.log), stop_on_signals() as stop:
        if sending.dry_run:
            # Without an end there is nothing to sum up.
            limit = sending.batch_size if customers.synthetic == 0 else None
            _show(records, inspector, limit)
        else:
            if checkpoint:
                # Before anything is sent, so that a file that cannot be written is found now.
                checkpoint.write(checkpoint.place)
            publisher = Publisher(settings.kafka, sending.topic)
            _send(records, inspector, checkpoint, publisher, sending, customers.synthetic, stop)


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
    publisher: Publisher,
    settings: SendSettings,
    total: int | None,
    stop: StopRequest,
) -> None:
    started = time.monotonic()
    with tqdm(total=total or None, unit=" events", disable=None, file=sys.stderr) as progress:

        def on_batch(batch_size: int) -> None:
            """Shows the progress, and keeps it."""
            progress.update(batch_size)
            if checkpoint:
                checkpoint.write(checkpoint.source.place)

        feed = Feed(
            publisher,
            inspector if settings.validate else None,
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


class _ProgressBarHandler(logging.Handler):
    """Writes lines above the progress bar instead of into it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the line."""
        tqdm.write(self.format(record), file=sys.stderr)


@contextmanager
def _logging(settings: LogSettings) -> Iterator[None]:
    targets = LogTargets(
        name="kafka_producer",
        directory=settings.log_dir,
        level=settings.log_level,
        mode=settings.file_mode,
        loggers=("kafka_producer", "stream_telemetry"),
    )
    configure_logging(targets, _ProgressBarHandler())
    try:
        yield
    finally:
        close_logging()
