"""The producer's options, checked before anything starts."""

from __future__ import annotations

import math
import os
from argparse import ArgumentTypeError
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from telco_churn.errors import SettingsError
from telco_churn.paths import project_home
from telco_churn.settings.options import OneLineParser
from telco_churn.settings.values import LOG_LEVELS


@dataclass(frozen=True, slots=True)
class ProducerSettings:
    """What to send, where to, and how fast.

    Attributes:
        broker: Bootstrap servers.
        topic: The topic to send to; it has to exist.
        csv: A file of customers, or None for synthetic ones.
        synthetic: How many synthetic customers; 0 is without end, None is for a CSV file.
        rate: Events per second; 0 is as fast as it goes.
        batch_size: Records between two points where all are acknowledged, logged, checkpointed.
        bad_ratio: Share of the events that a broken record takes the place of, 0 to 1.
        seed: Chooses the synthetic customers and the broken records.
        is_validating: Refuse what does not follow the contract, instead of sending it.
        checkpoint_file: Where a CSV's progress is kept, if anywhere.
        is_dry_run: Check everything, send nothing.
        log_level: The least level that is logged, one of `LOG_LEVELS`.
        log_dir: Directory of the JSON log.
    """

    broker: str
    topic: str
    csv: Path | None
    synthetic: int | None
    rate: float
    batch_size: int
    bad_ratio: float
    seed: int
    is_validating: bool
    checkpoint_file: Path | None
    is_dry_run: bool
    log_level: str
    log_dir: Path


def parse_settings(arguments: Sequence[str]) -> ProducerSettings:
    """The settings that command-line arguments ask for.

    Raises:
        SettingsError: an option is unknown, malformed, out of its range or in conflict.
        SystemExit: with 0, after `--help`.
    """
    settings = ProducerSettings(**vars(_parser().parse_or_raise(arguments)))
    if settings.checkpoint_file and not settings.csv:
        raise SettingsError(
            f"--checkpoint-file {settings.checkpoint_file} keeps the progress of a CSV file: "
            "use it with --csv, or leave it out"
        )
    return settings


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="produce_customers",
        description="Publishes customer events, from a CSV file or made up, to a Kafka topic.",
        epilog="Exit codes: 0 done or stopped as asked, 2 bad settings, 4 Kafka did not take it.",
        allow_abbrev=False,
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--csv", type=Path, metavar="FILE", help="customers as in the public Telco data set"
    )
    source.add_argument(
        "--synthetic", type=_count, metavar="N", help="made-up customers; 0 is without end"
    )
    parser.add_argument(
        "--broker",
        default=os.environ.get("KAFKA_BOOTSTRAP_SERVERS") or "localhost:9092",
        help="bootstrap servers (KAFKA_BOOTSTRAP_SERVERS, else localhost:9092)",
    )
    parser.add_argument("--topic", default="telco.raw.customers", help="default %(default)s")
    _add_pace(parser)
    _add_checks(parser)
    return parser


def _add_pace(parser: OneLineParser) -> None:
    parser.add_argument(
        "--rate", type=_rate, default=0.0, metavar="EVENTS_PER_S", help="default 0, no limit"
    )
    parser.add_argument(
        "--batch-size",
        type=_positive_count,
        default=500,
        metavar="RECORDS",
        help="records between two flushes, progress lines and checkpoints (default %(default)s)",
    )
    parser.add_argument(
        "--bad-ratio",
        type=_share,
        default=0.0,
        metavar="SHARE",
        help="share of events replaced by broken records, 0 to 1 (default 0); --no-validate sends "
        "them, --validate refuses and counts them",
    )
    parser.add_argument("--seed", type=int, default=1, help="default %(default)s")


def _add_checks(parser: OneLineParser) -> None:
    validation = parser.add_mutually_exclusive_group()
    validation.add_argument(
        "--validate",
        dest="is_validating",
        action="store_true",
        default=True,
        help="do not send what breaks the contract, count it (default)",
    )
    validation.add_argument(
        "--no-validate", dest="is_validating", action="store_false", help="send everything"
    )
    parser.add_argument(
        "--checkpoint-file",
        type=Path,
        metavar="FILE",
        help="keeps how far a CSV file has been sent; the next run goes on from there",
    )
    parser.add_argument(
        "--dry-run",
        dest="is_dry_run",
        action="store_true",
        help="check the events, show the first three, send nothing; needs no broker",
    )
    parser.add_argument(
        "--log-level",
        choices=LOG_LEVELS,
        default="INFO",
        help="default INFO, a line for each batch and, in the JSON log, each record; WARNING has "
        "failures only; DEBUG shows each record on the terminal too",
    )
    parser.add_argument(
        "--log-dir",
        type=Path,
        default=os.environ.get("CHURN_STREAM_LOG_DIR") or project_home() / "logs",
        metavar="DIR",
        help="directory of kafka_producer.log, in JSON (CHURN_STREAM_LOG_DIR, else logs)",
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def _positive_count(text: str) -> int:
    count = _count(text)
    if count == 0:
        raise ArgumentTypeError("0 is too small, use 1 or more")
    return count


def _rate(text: str) -> float:
    rate = _number(text)
    if not 0 <= rate < math.inf:
        raise ArgumentTypeError(f"{text!r} is not a number of 0 or more")
    return rate


def _share(text: str) -> float:
    share = _number(text)
    if not 0 <= share <= 1:
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return share


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
