"""The producer's settings, checked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from churn_tools.customers.origin import ensure_one_origin
from stream_telemetry.logs.settings import LogSettings
from stream_telemetry.options import OFF, OwnOptions, option, switch
from stream_telemetry.values import count, file, number, or_off, share, whole
from telco_churn.paths import read_schema
from telco_churn.query.settings import BrokerSettings, topic
from telco_churn.settings.flags import Command
from telco_churn.settings.resolve import read

_EXAMPLE: Final = "Contract=Two year"


def _field_and_word(text: str) -> tuple[str, str]:
    """A field of customers that holds words, and one of those that its contract allows."""
    field, _, word = text.partition("=")
    known = {name: words["enum"] for name, words in _properties().items() if "enum" in words}
    if word not in known.get(field, ()):
        raise ValueError(
            f"is not FIELD=WORD with a word that the contract allows, such as {_EXAMPLE}"
        )
    return field, word


def _properties() -> Mapping[str, Any]:
    properties: Mapping[str, Any] = read_schema("customer_event")["properties"]
    return properties


@dataclass(frozen=True, kw_only=True)
class CustomerSettings(OwnOptions):
    """Customers."""

    csv: Path | None = option(
        OFF, "customers as in the public Telco data set", parse=or_off(file), metavar="FILE"
    )
    synthetic: int | None = option(
        OFF, "made-up customers instead; 0 is without end", parse=or_off(count()), metavar="N"
    )
    bad_ratio: float = option(
        "0",
        "share of events replaced by broken records, 0 to 1; --no-validate sends them, --validate "
        "refuses and counts them",
        parse=share,
        metavar="SHARE",
    )
    seed: int = option(
        "1", "chooses the made-up customers and the broken records", parse=whole, metavar="N"
    )
    shift: tuple[str, str] | None = option(
        OFF,
        "a word that nine of ten made-up customers have in a field, to see a model drift: "
        f"{_EXAMPLE}",
        parse=or_off(_field_and_word),
        metavar="FIELD=WORD",
    )
    checkpoint_file: Path | None = option(
        OFF,
        "keeps how far a CSV file has been sent; the next run goes on from there",
        parse=or_off(Path),
        metavar="FILE",
    )

    def __post_init__(self) -> None:
        """Raises ValueError when the customers come from nowhere, or from two places."""
        ensure_one_origin(self.csv, self.synthetic)
        if self.shift and self.synthetic is None:
            raise ValueError("--shift is for made-up customers: use it with --synthetic")
        if self.checkpoint_file and not self.csv:
            raise ValueError(
                f"--checkpoint-file {self.checkpoint_file} keeps the progress of a CSV file: "
                "use it with --csv, or leave it out"
            )


@dataclass(frozen=True, kw_only=True)
class SendSettings(OwnOptions):
    """Sending."""

    topic: str = option(
        "telco.raw.customers", "topic to send to; it has to exist", parse=topic, metavar="TOPIC"
    )
    rate: float = option(
        "0", "events a second; 0: no limit", parse=number(), metavar="EVENTS_PER_S"
    )
    batch_size: int = option(
        "500",
        "records between two flushes, progress lines and checkpoints",
        parse=count(1),
        metavar="RECORDS",
    )
    validate: bool = switch("do not send what breaks the contract, count it", default=True)
    dry_run: bool = switch("check the events, show the first three, send nothing; needs no broker")


@dataclass(frozen=True, kw_only=True)
class ProducerSettings:
    """What to send, where to, how fast, and where the log goes."""

    kafka: BrokerSettings
    customers: CustomerSettings
    sending: SendSettings
    log: LogSettings


COMMAND = Command(
    prog="produce_customers.py",
    description="Publishes customer events, from a CSV file or made up, to a Kafka topic.",
    epilog="Broker and log are the job's own settings, with its file and environment variables. "
    "Exit codes: 0 done or stopped as asked, 2 bad settings, 4 Kafka did not take it.",
)


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> ProducerSettings:
    """The settings that the command line asks for.

    Raises:
        SettingsError: an option is unknown, malformed, out of its range or in conflict.
        SystemExit: with 0, after `--help`.
    """
    return read(ProducerSettings, COMMAND, arguments, environment)
