"""What this job shows: its query, its outlets, a line for each of its records."""

from __future__ import annotations

import logging
from datetime import datetime

from stream_telemetry.batch.observation import Observation
from stream_telemetry.drift.settings import DriftSettings
from stream_telemetry.drift.watch import ModelWatch
from stream_telemetry.logs.backlog import LEVELS
from stream_telemetry.logs.configure import LogTargets, configure_logging
from stream_telemetry.logs.files.whole_lines import LostLines
from stream_telemetry.logs.records import RecordLogPlan
from stream_telemetry.outlets.run_report import RunReport
from stream_telemetry.shadow.shadow_watch import ShadowWatch
from stream_telemetry.stream import Outlets, Stream
from stream_telemetry.telemetry import Telemetry
from telco_churn import LOGGER, QUERY_NAME, __version__
from telco_churn.model.loading import Model
from telco_churn.outcome.log_lines import RecordLines
from telco_churn.outcome.message_ids import make_message_id
from telco_churn.pipeline import ChurnPipeline
from telco_churn.record.kind import RecordKind
from telco_churn.settings.job import Settings

LOGGERS = (LOGGER, "stream_telemetry")
"""Loggers that `--log-level` sets."""


def start_log(settings: Settings) -> LostLines:
    """Sets up the job's log; gives the count of lines that could not be written."""
    return configure_logging(
        LogTargets(
            name=LOGGER,
            directory=settings.log.log_dir,
            level=settings.log.log_level,
            loggers=LOGGERS,
            mode=settings.log.file_mode,
            run_directory=settings.run_log.run_log_dir,
            run_name="consumer",
        )
    )


def make_telemetry(
    settings: Settings,
    kind: RecordKind,
    observation: Observation,
    lost_lines: LostLines,
    report: RunReport | None,
) -> Telemetry:
    """The job's telemetry; the exporter's port is taken.

    Raises:
        SettingsError: the secret that hashes record keys cannot be used.
        TelemetryError: an outlet cannot be used.
    """
    trigger = settings.reading.trigger
    stream = Stream(
        query=QUERY_NAME,
        topic=settings.topics.input_topic,
        broker=settings.kafka.broker,
        client=settings.kafka.client,
        consumer_group=settings.group.consumer_group,
        checkpoint=settings.checkpoint.checkpoint,
        starting_offsets=settings.reading.starting_offsets,
        mode="batch" if trigger.is_once else "streaming",
        batch_seconds=trigger.seconds,
        is_realtime=trigger.is_realtime,
        version=__version__,
        model_backend="spark",
        commits=settings.group.commit_progress,
        logger=LOGGER,
    )
    outlets = Outlets(
        exporter=settings.exporter,
        report=report,
        otlp=settings.otlp,
        record_log=_record_log(settings, kind, observation),
        lost_lines=lambda: lost_lines.count,
    )
    return Telemetry(stream, observation, outlets, settings.supervision)


def show_start(settings: Settings, model: Model, shadow: Model | None) -> None:
    """Tells the log what is read when, and the first model."""
    logging.getLogger(LOGGER).info(
        "reading %s on %s, trigger %s, model %s%s",
        settings.topics.input_topic,
        settings.kafka.broker,
        settings.reading.trigger,
        model.manifest.version,
        f", shadow {shadow.manifest.version}" if shadow else "",
    )


def show_model(telemetry: Telemetry, settings: DriftSettings, pipeline: ChurnPipeline) -> None:
    """Tells which model scores from the next run on, how old it is, and what it was fitted to."""
    manifest, counting = pipeline.model.manifest, pipeline.observation.model
    watch = ModelWatch(counting, settings) if counting else None
    if watch and watch.untold:
        logging.getLogger(LOGGER).warning(
            "no drift will be told of %s: the manifest of model %s has no training distribution of "
            "them, or one of too few records",
            ", ".join(watch.untold),
            manifest.version,
        )
    created = datetime.fromisoformat(manifest.created).timestamp()
    telemetry.model.loaded(manifest.version, created, watch)
    shadow, compared = pipeline.shadow, pipeline.observation.shadow
    if shadow and compared:
        telemetry.model.shadowed(shadow.manifest.version, ShadowWatch(compared, settings))


def logged_topics(settings: Settings) -> tuple[str, ...]:
    """The output topics that are read, for a line about each of their records."""
    if settings.run_log.log_lines_per_second is None:
        return ()
    least = logging.getLevelNamesMapping()[settings.log.log_level]
    statuses = zip(("success", "failed"), settings.topics.outputs, strict=True)
    return tuple(topic for status, topic in statuses if LEVELS[status] >= least)


def _record_log(
    settings: Settings, kind: RecordKind, observation: Observation
) -> RecordLogPlan | None:
    per_second = settings.run_log.log_lines_per_second
    if per_second is None:
        return None
    lines = RecordLines(
        input_topic=settings.topics.input_topic,
        message_id=make_message_id(settings.message_ids),
        fields=observation.fields,
        kind=kind,
    )
    return RecordLogPlan(
        client=settings.kafka.client,
        outputs={
            settings.topics.output_topic: ("success", lines.prediction),
            settings.topics.deadletter_topic: ("failed", lines.dead_letter),
        },
        logger=LOGGER,
        is_ours=lines.is_ours,
        per_second=per_second,
        waits=not settings.reading.trigger.is_realtime,
    )
