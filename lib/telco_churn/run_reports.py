"""What a Pushgateway is told of a run, from the moment that its settings are known."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stream_telemetry.errors import TelemetryError
from stream_telemetry.metrics.books import Books
from stream_telemetry.outlets.settings import PushSettings
from telco_churn import LOGGER, QUERY_NAME
from telco_churn.errors import ChurnStreamError, QueryFailedError
from telco_churn.query.settings import GroupSettings
from telco_churn.settings.job import RunSettings
from telco_churn.settings.resolve import read_what_fits

if TYPE_CHECKING:
    from stream_telemetry.outlets.run_report import RunReport


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """The settings that a report needs."""

    group: GroupSettings
    push: PushSettings
    run: RunSettings


def run_report(
    push: PushSettings, group: GroupSettings, run: RunSettings, *, is_batch: bool
) -> AbstractContextManager[RunReport | None]:
    """The run, to be a `with` block: its begin and end are pushed, if there is a Pushgateway.

    Args:
        push: the Pushgateway.
        group: its consumer group, by which the run is known there.
        run: a dry one is not reported.
        is_batch: whether it ends by itself, and leaves its figures.

    Raises:
        TelemetryError: the gateway's settings cannot be used.
    """
    if run.dry_run:
        return nullcontext()
    return push.report(QUERY_NAME, group.consumer_group, keep=is_batch) or nullcontext()


@contextmanager
def failures_told(arguments: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
    """A block before the run; what ends it is pushed as a run that failed.

    It takes settings that are good enough to name the Pushgateway. A dry run is not reported.

    Args:
        arguments: of the job's command line.
        environment: environment variables.
    """
    try:
        yield
    except (ChurnStreamError, TelemetryError):
        # Raised inside the report's block, which pushes the exit code.
        with _report(arguments, environment) or nullcontext():
            raise


def close_books(books: Books) -> None:
    """Tells what became of the records of a run that is over.

    Raises:
        QueryFailedError: they do not balance, or it is not known whether they do.
    """
    logging.getLogger(LOGGER).log(
        logging.WARNING if books.lost else logging.INFO, "the run is over: %s", books
    )
    if books.is_balanced:
        return
    what = "some of Spark's events could not be read" if books.unread_events else "they must be 0"
    raise QueryFailedError(
        f"the run's books do not balance: {books} ({what}); compare the topics with python -m "
        "churn_tools.verify, and report it"
    )


def _report(arguments: Sequence[str], environment: Mapping[str, str]) -> RunReport | None:
    settings = read_what_fits(ReportSettings, arguments, environment)
    if settings is None or settings.run.dry_run:
        return None
    try:
        # Whether the run is a batch is not known here; figures of a failed run stay in either case.
        return settings.push.report(QUERY_NAME, settings.group.consumer_group, keep=True)
    except TelemetryError:
        return None
