"""What a sandbox run is to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from launcher.submit.division import Division, divide
from sandbox.errors import SandboxError
from sandbox.show.scenarios import SCENARIOS
from stream_telemetry.options import OFF, OwnOptions, option, switch
from stream_telemetry.values import choice, count, or_off, positive, share
from telco_churn.query.settings import ReadSettings
from telco_churn.settings.flags import Command, flags_of
from telco_churn.settings.job import Settings
from telco_churn.settings.resolve import read, read_settings

# The sandbox has to choose these itself: they tie the job to its broker, and to its customers.
_RESERVED: Final = (
    "--broker",
    "--kafka-config",
    "--input-topic",
    "--output-topic",
    "--deadletter-topic",
    "--checkpoint",
    "--contract",
)
_EVENTS_OF_A_BATCH: Final = 1_000
_TRIGGER: Final = "1 second"
_SANDBOX: Final = "--sandbox"
_ANOTHER_BROKER: Final = ("KAFKA_BOOTSTRAP_SERVERS", "CHURN_STREAM_KAFKA_CONFIG")


@dataclass(frozen=True, kw_only=True)
class FeedSettings(OwnOptions):
    """Feeding."""

    rate: float = option(
        "50", "events a second while it streams", parse=positive, metavar="EVENTS_PER_S"
    )
    events: int | None = option(
        OFF,
        f"how many events; off: without end, or {_EVENTS_OF_A_BATCH:,} with --trigger once",
        parse=or_off(count(1)),
        metavar="N",
    )
    bad_ratio: float = option(
        "0.01", "share of broken records, 0 to 1", parse=share, metavar="SHARE"
    )


@dataclass(frozen=True, kw_only=True)
class AccessSettings(OwnOptions):
    """Access."""

    secure: bool = switch("a Kafka that asks for TLS and a login, both made on the spot")


@dataclass(frozen=True, kw_only=True)
class ShowSettings(OwnOptions):
    """Show."""

    monitoring: bool = switch(
        "Prometheus, Pushgateway, Alertmanager and Grafana beside it, as far as installed"
    )
    scenario: str | None = option(
        OFF,
        f"a fault to be played, with its alert: {', '.join(SCENARIOS)}; implies --monitoring",
        parse=or_off(choice(*SCENARIOS)),
        metavar="NAME",
    )


@dataclass(frozen=True, kw_only=True)
class SandboxSettings:
    """The sandbox's own settings; all others are the job's."""

    feed: FeedSettings
    access: AccessSettings
    show: ShowSettings


COMMAND = Command(
    prog="./spark-submit.sh --sandbox",
    description="Tries the job on this machine: starts a real Kafka, feeds made-up customers "
    "to it and runs the job on them until Ctrl-C. With --trigger once it feeds --events "
    "events, scores them and prints a summary.",
    epilog="The job's own options: ./spark-submit.sh --help. Exit codes: 0 done or stopped as "
    "asked, 2 something to fix on this machine, 5 events unaccounted for, else the job's own.",
    usage="[options] [job and spark-submit options]",
    reads_config=False,
)


@dataclass(frozen=True)
class Plan:
    """A sandbox run.

    Attributes:
        feed: what is fed, and how fast.
        is_secure: whether Kafka asks for TLS and a login.
        show: what is started beside the job.
        division: the command line; to the job's part the sandbox adds broker, topics, checkpoint.
        settings: the job's own, as the command line and the environment have them.
    """

    feed: FeedSettings
    is_secure: bool
    show: ShowSettings
    division: Division
    settings: Settings

    @property
    def is_once(self) -> bool:
        """Whether the job is to end when it has read all there is."""
        return self.settings.reading.trigger.is_once

    @property
    def batch_events(self) -> int:
        """How many events are fed before a job that runs once."""
        return self.feed.events or _EVENTS_OF_A_BATCH

    @property
    def chosen_trigger(self) -> list[str]:
        """Options that let results come soon, unless the caller has chosen a trigger."""
        words = [word.partition("=")[0] for word in self.division.job]
        is_usual = self.settings.reading.trigger == ReadSettings().trigger
        is_given = "--trigger" in words or not is_usual
        return [] if is_given else ["--trigger", _TRIGGER]

    @property
    def has_pushgateway(self) -> bool:
        """Whether the caller has chosen one."""
        return self.settings.push.pushgateway is not None

    @property
    def metrics_port(self) -> int | None:
        """Where the job will show its metrics; None where that is not known before it starts."""
        return self.settings.exporter.metrics_port or None


def parse_plan(arguments: Sequence[str], environment: Mapping[str, str]) -> Plan:
    """The plan that a command line asks for, with `--sandbox` in it.

    Raises:
        SandboxError: it chooses what the sandbox has to choose.
        SettingsError: an option is unknown or malformed.
        SystemExit: with 0, after `--help` or `--version`.
    """
    own = {_SANDBOX: False, "--help": False, "-h": False, "--version": False}
    division = divide(arguments, own | flags_of(SandboxSettings))
    words = [word for word in division.own if word != _SANDBOX]
    own_settings = read(SandboxSettings, COMMAND, words, {})
    for word in division.job:
        if word.partition("=")[0] in _RESERVED:
            raise SandboxError(f"{word} is chosen by --sandbox itself; leave it out")
    # A broker of the environment's is none of the sandbox's business.
    kept = {k: v for k, v in environment.items() if k not in _ANOTHER_BROKER}
    settings = read_settings(division.job, kept)
    show = own_settings.show
    if show.scenario and settings.reading.trigger.is_once:
        raise SandboxError("--scenario needs a job that goes on: leave out --trigger once")
    return Plan(own_settings.feed, own_settings.access.secure, show, division, settings)
