"""The settings of the command that sends dead letters in again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from churn_tools.replay.repairs import REPAIRS, UNKNOWN_FIELDS
from stream_telemetry.broker.read import RecordAddress
from stream_telemetry.options import OFF, OwnOptions, option, switch
from stream_telemetry.values import choice, count, moment, or_off, text
from telco_churn.contract.settings import ContractSettings
from telco_churn.outcome.counted import ERROR_TYPES
from telco_churn.query.settings import BrokerSettings, TopicSettings, topic
from telco_churn.settings.flags import Command

ANY = "any"
MENDS = (*REPAIRS, UNKNOWN_FIELDS)


def words(one: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    """Words with commas between them, each once, as `one` takes them; none for `any`."""

    def parse(value: str) -> tuple[str, ...]:
        """The words, in their order."""
        parts = [] if value == ANY else value.split(",")
        return tuple(dict.fromkeys(one(part.strip()) for part in parts))

    return parse


@dataclass(frozen=True, kw_only=True)
class ChoiceSettings(OwnOptions):
    """Which dead letters; one has to fit all that is given."""

    error_type: tuple[str, ...] = option(
        ANY,
        f"step that refused the event: {', '.join(ERROR_TYPES)}",
        parse=words(choice(*ERROR_TYPES)),
        metavar="TYPE,…",
    )
    field: tuple[str, ...] = option(
        ANY,
        "field that breaks a rule; message for the whole of it",
        parse=words(text),
        metavar="FIELD,…",
    )
    code: tuple[str, ...] = option(
        ANY, "code of a rule that it breaks", parse=words(text), metavar="CODE,…"
    )
    since: datetime | None = option(
        OFF, "refused at this time (UTC) or later", parse=or_off(moment), metavar="TIME"
    )
    until: datetime | None = option(
        OFF, "refused before this time", parse=or_off(moment), metavar="TIME"
    )
    record: RecordAddress | None = option(
        OFF,
        "the one that answers this record of the input topic",
        parse=or_off(RecordAddress.parse),
        metavar="TOPIC-PARTITION-OFFSET",
    )


@dataclass(frozen=True, kw_only=True)
class SendingSettings(OwnOptions):
    """Sending."""

    yes: bool = switch("send them; without it, only what would be sent is told")
    mend: tuple[str, ...] = option(
        OFF,
        f"repairs to try, in the order given, of: {', '.join(MENDS)}; an event that then still "
        "breaks the contract is not sent",
        parse=lambda value: words(choice(*MENDS))(ANY if value == OFF else value),
        metavar="REPAIR,…",
    )
    max_retries: int = option(
        "3", "how often one event may be sent in again", parse=count(1), metavar="N"
    )
    batch_size: int = option("500", "events in one transaction", parse=count(1), metavar="EVENTS")
    sent_topic: str | None = option(
        OFF,
        "topic that keeps which letters were sent, made at the first time; off: that of the dead "
        "letters, with .sent behind it",
        parse=or_off(topic),
        metavar="TOPIC",
    )


@dataclass(frozen=True, kw_only=True)
class ReplaySettings:
    """Which letters, what is done to them, and where they go."""

    kafka: BrokerSettings
    topics: TopicSettings
    contract: ContractSettings
    choice: ChoiceSettings
    sending: SendingSettings

    @property
    def sent_topic(self) -> str:
        """The topic that keeps which letters were sent."""
        return self.sending.sent_topic or f"{self.topics.deadletter_topic}.sent"


COMMAND = Command(
    prog="replay_dead_letters.py",
    description="Sends dead letters in again: the original bytes, key and headers, or mended ones.",
    epilog="Broker, topics and contract are the job's own settings, with its file and environment "
    "variables. Nothing is sent without --yes, and no letter twice. "
    "Exit codes: 0 done or stopped as asked, 2 bad settings, 4 Kafka.",
)
