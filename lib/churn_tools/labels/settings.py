"""The settings of measuring how right the model was."""

from __future__ import annotations

from dataclasses import dataclass

from stream_telemetry.drift.settings import DriftSettings
from stream_telemetry.logs.settings import LogSettings
from stream_telemetry.options import OwnOptions, option
from stream_telemetry.outlets.settings import ExporterSettings, PushSettings
from stream_telemetry.run.settings import SupervisionSettings
from stream_telemetry.values import choice, or_off, port, seconds, text
from telco_churn.contract.settings import ContractSettings
from telco_churn.errors import SettingsError
from telco_churn.model.settings import ModelSettings
from telco_churn.query.settings import (
    BrokerSettings,
    CheckpointSettings,
    GroupSettings,
    ReadSettings,
    TopicSettings,
    topic,
)
from telco_churn.settings.flags import Command
from telco_churn.settings.trigger import Trigger, parse_trigger


@dataclass(frozen=True, kw_only=True)
class LabelSettings(OwnOptions):
    """Labels."""

    labels_topic: str = option("telco.churn.labels", "their topic", parse=topic, metavar="TOPIC")
    label_window: int = option(
        "30d",
        "a label is about predictions whose event was at most so long before it",
        parse=seconds,
        metavar="TIME",
    )
    label_delay: int = option(
        "1d",
        "how much later than it came true a label may come, and a prediction after its label",
        parse=seconds,
        metavar="TIME",
    )


@dataclass(frozen=True, kw_only=True)
class OwnReadSettings(ReadSettings, OwnOptions):
    """Reading."""

    trigger: Trigger = option(
        "1 minute",
        "an interval; or once (all there is now, then exit)",
        parse=parse_trigger,
        metavar="WHEN",
    )
    starting_offsets: str = option(
        "earliest",
        "where a new checkpoint begins: earliest or latest",
        parse=choice("earliest", "latest"),
        metavar="WHERE",
    )

    def __post_init__(self) -> None:
        """Raises ValueError for real-time mode, in which Spark joins nothing."""
        if self.trigger.is_realtime:
            raise ValueError("--trigger realtime: Spark joins no streams in it; use an interval")


@dataclass(frozen=True, kw_only=True)
class OwnGroupSettings(GroupSettings, OwnOptions):
    """Consumer group."""

    consumer_group: str = option(
        "telco-churn-labels", "name under which it reads", parse=text, metavar="GROUP"
    )


@dataclass(frozen=True, kw_only=True)
class OwnCheckpointSettings(CheckpointSettings, OwnOptions):
    """Checkpoint."""

    checkpoint: str = option(
        "checkpoints/labels", "checkpoint directory or URI", parse=text, metavar="DIR"
    )


@dataclass(frozen=True, kw_only=True)
class OwnExporterSettings(ExporterSettings, OwnOptions):
    """Metrics exporter."""

    metrics_port: int | None = option(
        "8001", "its port; 0 picks a free one, off disables it", parse=or_off(port), metavar="PORT"
    )


@dataclass(frozen=True, kw_only=True)
class MeasuringSettings:
    """All that can be set."""

    labels: LabelSettings
    reading: OwnReadSettings
    group: OwnGroupSettings
    checkpoint: OwnCheckpointSettings
    exporter: OwnExporterSettings
    kafka: BrokerSettings
    topics: TopicSettings
    contract: ContractSettings
    model: ModelSettings
    drift: DriftSettings
    supervision: SupervisionSettings
    push: PushSettings
    log: LogSettings

    def __post_init__(self) -> None:
        """Raises SettingsError when both topics are one."""
        if len(set(self.read_topics)) == 1:
            raise SettingsError(
                f"--labels-topic {self.labels.labels_topic} is the topic of predictions "
                "(--output-topic); name that of the labels"
            )

    @property
    def read_topics(self) -> tuple[str, str]:
        """The topics of predictions and of labels."""
        return self.topics.output_topic, self.labels.labels_topic


COMMAND = Command(
    prog="measure_accuracy.py",
    description="Tells how right the predictions were, by labels that come later on a topic of "
    "their own.",
    epilog="The options from Kafka on are the job's own settings, with its file and environment "
    "variables; those before are set on the command line alone. The topics of predictions "
    "(--output-topic) and labels are read, nothing is written to Kafka. Exit codes: as the job's.",
)
