"""The job's telemetry: its settings, turned into outlets and limits."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from stream_telemetry.batch.observation import Observation
from stream_telemetry.errors import TelemetryError
from stream_telemetry.health import limits_for
from stream_telemetry.logs.files import LostLines
from stream_telemetry.logs.records import RecordLogPlan
from stream_telemetry.outlets.push import Gateway
from stream_telemetry.outlets.server import Tls
from stream_telemetry.stream import Outlets, Stream
from stream_telemetry.telemetry import Telemetry
from telco_churn import __version__
from telco_churn.errors import SettingsError
from telco_churn.model.manifest import Manifest
from telco_churn.outcome.log_lines import RecordLines
from telco_churn.outcome.message_ids import make_message_id
from telco_churn.query.source_and_sink import QUERY_NAME
from telco_churn.settings.job import Settings

LOGGER = "kafka_consumer"
"""Name of the job's logger, and of its log file."""


def make_telemetry(
    settings: Settings, observation: Observation, lost_lines: LostLines
) -> Telemetry:
    """The job's telemetry; the exporter's port is taken.

    Raises:
        SettingsError: an outlet cannot be used.
    """
    trigger = settings.trigger
    stream = Stream(
        query=QUERY_NAME,
        topic=settings.input_topic,
        broker=settings.broker,
        consumer_group=settings.consumer_group,
        checkpoint=settings.checkpoint,
        starting_offsets=settings.starting_offsets,
        mode="batch" if trigger.mode == "once" else "streaming",
        version=__version__,
        model_backend="spark",
        commits=settings.commit_progress,
        logger=LOGGER,
    )
    limits = limits_for(trigger.seconds, is_realtime=trigger.mode == "realtime")
    try:
        return Telemetry(stream, observation, _outlets(settings, observation, lost_lines), limits)
    except TelemetryError as error:
        raise SettingsError(str(error)) from error


def show_model(telemetry: Telemetry, manifest: Manifest) -> None:
    """Tells that the model is loaded, which one, and how old it is."""
    created = datetime.fromisoformat(manifest.created).timestamp()
    telemetry.model_loaded(manifest.version, created)


def _outlets(settings: Settings, observation: Observation, lost_lines: LostLines) -> Outlets:
    return Outlets(
        host=settings.metrics_host,
        port=settings.metrics_port,
        tls=_tls(settings),
        login=_login(settings.metrics_login_file),
        gateway=_gateway(settings),
        record_log=_record_log(settings, observation),
        lost_lines=lambda: lost_lines.count,
    )


def _record_log(settings: Settings, observation: Observation) -> RecordLogPlan:
    message_id = make_message_id(settings.log_message_id, settings.log_key_file)
    lines = RecordLines(message_id, observation.fields)
    return RecordLogPlan(
        client={"bootstrap.servers": settings.broker},
        outputs={
            settings.output_topic: ("success", lines.prediction),
            settings.deadletter_topic: ("failed", lines.dead_letter),
        },
        logger=LOGGER,
        per_second=settings.log_lines_per_second,
        waits=settings.trigger.mode != "realtime",
    )


def _tls(settings: Settings) -> Tls | None:
    certificate, key = settings.metrics_tls_cert, settings.metrics_tls_key
    if certificate and key:
        return Tls(certificate, key, settings.metrics_client_ca)
    if certificate or key or settings.metrics_client_ca:
        raise SettingsError(
            "TLS for the metrics needs both --metrics-tls-cert and --metrics-tls-key; "
            f"they are {certificate or 'off'} and {key or 'off'}"
        )
    return None


def _gateway(settings: Settings) -> Gateway | None:
    if settings.pushgateway is None:
        return None
    return Gateway(
        url=settings.pushgateway,
        job=QUERY_NAME,
        instance=settings.consumer_group,
        login=_login(settings.pushgateway_login_file),
        ca=settings.pushgateway_ca,
    )


def _login(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        login = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"login file {path} cannot be read: {error}") from error
    if ":" not in login:
        raise SettingsError(f"login file {path} does not hold user:password; write that line")
    return login
