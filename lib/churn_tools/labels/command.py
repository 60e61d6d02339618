"""Runs the query: checks everything first, then stays until it ends."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import nullcontext
from functools import partial

from pyspark.errors import StreamingQueryException

from churn_tools.labels.label_figures import LabelFigures
from churn_tools.labels.label_kind import read_label_kind
from churn_tools.labels.label_plan import LABELS, PREDICTIONS, LabelPlan, make_observation
from churn_tools.labels.label_query import NAME, LabelQuery, keep_state
from churn_tools.labels.settings import COMMAND, MeasuringSettings
from launcher.cache.connector import connector_jars
from launcher.submit.log_file import claim_spark_log
from launcher.submit.surroundings import ready_this_process, with_conf_dir
from stream_telemetry.broker.admin import JvmAdmin
from stream_telemetry.logs.configure import LogTargets, configure_logging
from stream_telemetry.logs.files.whole_lines import LostLines
from stream_telemetry.logs.settings import LogSettings
from stream_telemetry.outlets.run_report import RunReport
from stream_telemetry.process.driver_jvm import connected
from stream_telemetry.run.alarm import Alarm
from stream_telemetry.stream import Outlets, Stream
from stream_telemetry.telemetry import Telemetry
from telco_churn import LOGGER, __version__
from telco_churn.early_stops import heeding_signals
from telco_churn.errors import ModelError, QueryFailedError, is_below_spark_submit
from telco_churn.model.loading import manifest_at
from telco_churn.model.trust.model_place import ModelPlace
from telco_churn.query.checkpoint import Checkpoint
from telco_churn.query.preflight import check_kafka_clients
from telco_churn.query.session import failing_with_spark, session
from telco_churn.query.topic_checks import check_there
from telco_churn.rights.missing import RightsWatch
from telco_churn.rights.needed import rights_of_measuring
from telco_churn.settings.resolve import read

log = logging.getLogger(NAME)


def main(arguments: Sequence[str]) -> None:
    """The query, from its command-line arguments.

    Raises:
        ChurnStreamError: one of its kinds, for each reason to end with an exit code.
        TelemetryError: an outlet cannot be used.
    """
    with heeding_signals():
        settings = read(MeasuringSettings, COMMAND, arguments, os.environ)
        keep = settings.reading.trigger.is_once
        report = settings.push.report(NAME, settings.group.consumer_group, keep=keep)
        with report or nullcontext(), failing_with_spark(settings.log):
            run(settings, report)


def run(settings: MeasuringSettings, report: RunReport | None) -> None:
    """The query with its settings; raises like `main`."""
    kafka, topics, group = settings.kafka, settings.read_topics, settings.group
    kind = read_label_kind(settings.contract.contract)
    rights = rights_of_measuring(topics, group)
    found = check_there(kafka, topics, rights)
    if not is_below_spark_submit():
        _start_spark_like_the_job(settings.log)
    connected()
    accepts_loss = settings.reading.accepts_loss
    checkpoint = Checkpoint(settings.checkpoint.checkpoint, accepts_loss=accepts_loss)
    checkpoint.check()
    expected = partial(expected_brier, settings.model.model_path)
    figures = LabelFigures((PREDICTIONS, LABELS), settings.drift, expected, log)
    observation, alarm, access = make_observation(kind, figures), Alarm(), kafka.jvm_client
    stream, outlets = _stream(settings), _outlets(settings, report)
    with (
        checkpoint.locked(lambda reason: alarm.ring(QueryFailedError(reason))),
        Telemetry(stream, observation, outlets, settings.supervision) as telemetry,
        session(settings.supervision.start_timeout, kafka.token_endpoint) as spark,
        JvmAdmin(access) as admin,
    ):
        RightsWatch(kafka.client, rights, found.lacking).tell()
        check_kafka_clients(spark)
        keep_state(spark)
        plan = LabelPlan(kind, settings.labels, observation)
        query = LabelQuery(settings, plan, checkpoint, access, admin, alarm)
        query.begin()
        log.info("reading %s and %s, trigger %s", *topics, settings.reading.trigger)
        try:
            telemetry.run(spark, lambda: query.start(spark), query.oversight())
        except StreamingQueryException as error:
            raise query.failed(error) from error


def expected_brier(path: ModelPlace, version: str) -> float | None:
    """The Brier score that a model was made with; None where it is another one, or not known."""
    try:
        manifest = manifest_at(path)
    except ModelError:
        return None
    is_it = manifest.version == version
    return manifest.evaluation.brier if is_it and manifest.evaluation else None


def _start_spark_like_the_job(log: LogSettings) -> None:
    """Lets a JVM that this process starts have the files and settings of `./spark-submit.sh`."""
    os.environ.update(with_conf_dir(os.environ) | claim_spark_log(log))
    # Without it Spark's web page and ports are open to the network.
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_SUBMIT_ARGS", f"--jars {connector_jars()} pyspark-shell")
    ready_this_process()


def _stream(settings: MeasuringSettings) -> Stream:
    predictions, labels = settings.read_topics
    trigger = settings.reading.trigger
    return Stream(
        query=NAME,
        topic=labels,
        beside=(predictions,),
        broker=settings.kafka.broker,
        client=settings.kafka.client,
        consumer_group=settings.group.consumer_group,
        checkpoint=settings.checkpoint.checkpoint,
        starting_offsets=settings.reading.starting_offsets,
        mode="batch" if trigger.is_once else "streaming",
        batch_seconds=trigger.seconds,
        version=__version__,
        commits=settings.group.commit_progress,
        logger=NAME,
    )


def _outlets(settings: MeasuringSettings, report: RunReport | None) -> Outlets:
    lost = _start_log(settings)
    return Outlets(exporter=settings.exporter, report=report, lost_lines=lambda: lost.count)


def _start_log(settings: MeasuringSettings) -> LostLines:
    return configure_logging(
        LogTargets(
            name=NAME.replace("-", "_"),
            directory=settings.log.log_dir,
            level=settings.log.log_level,
            # The parts that it shares with the job log under its name.
            loggers=(NAME, LOGGER, "stream_telemetry"),
            mode=settings.log.file_mode,
        )
    )
