"""The job's settings: the sections that its packages declare, put together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from stream_telemetry.drift.settings import DriftSettings
from stream_telemetry.logs.settings import LogSettings, RunLogSettings
from stream_telemetry.options import OFF, Option, OwnOptions, options_of, switch
from stream_telemetry.otlp.settings import OtlpSettings
from stream_telemetry.outlets.settings import ExporterSettings, PushSettings
from stream_telemetry.run.settings import SupervisionSettings
from telco_churn.contract.settings import ContractSettings, SchemaSettings
from telco_churn.model.settings import ModelSettings, ShadowSettings
from telco_churn.outcome.settings import MessageIdSettings
from telco_churn.query.settings import (
    BrokerSettings,
    CheckpointSettings,
    GroupSettings,
    ReadSettings,
    TopicSettings,
)
from telco_churn.settings.flags import sections_of


@dataclass(frozen=True, kw_only=True)
class RunSettings(OwnOptions):
    """This run."""

    dry_run: bool = switch("check everything, print the settings and exit")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that can be set, checked; `--help` shows the same list in the same order."""

    kafka: BrokerSettings
    topics: TopicSettings
    group: GroupSettings
    reading: ReadSettings
    contract: ContractSettings
    schemas: SchemaSettings
    checkpoint: CheckpointSettings
    model: ModelSettings
    shadow: ShadowSettings
    drift: DriftSettings
    supervision: SupervisionSettings
    exporter: ExporterSettings
    push: PushSettings
    otlp: OtlpSettings
    log: LogSettings
    run_log: RunLogSettings
    message_ids: MessageIdSettings
    run: RunSettings

    def values(self) -> dict[str, object]:
        """Each setting's value by its name."""
        sections = [getattr(self, field.name) for field in fields(self)]
        return {
            option.name: getattr(section, option.name)
            for section in sections
            if not isinstance(section, OwnOptions)
            for option in options_of(type(section))
        }


def shown(value: object) -> str:
    """A setting's value as a user would write it."""
    if isinstance(value, bool):
        return "on" if value else OFF
    return OFF if value is None else str(value)


def job_sections() -> Iterator[type]:
    """The sections whose options are keys of the job's file, in the order of `--help`."""
    return (part for part in sections_of(Settings).values() if not issubclass(part, OwnOptions))


def job_options() -> Iterator[Option]:
    """The options that are keys of the job's file, in the order of `--help`."""
    for section in job_sections():
        yield from options_of(section)
