"""Runs the job: checks everything first, then starts the query and stays until it ends."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.outlets.run_report import RunReport
from stream_telemetry.run.alarm import Alarm
from telco_churn.contract.parser import EventParser
from telco_churn.dry_run.rehearsal import rehearse
from telco_churn.early_stops import heeding_signals
from telco_churn.errors import QueryFailedError
from telco_churn.model.replacement import Replacement
from telco_churn.outcome.counted import make_observation
from telco_churn.outcome.routing import Routes
from telco_churn.pipeline import ChurnPipeline
from telco_churn.query.checkpoint import Checkpoint
from telco_churn.query.cluster_checks import checked_cluster
from telco_churn.query.failures import Triage
from telco_churn.query.patience import ExecutorWatch
from telco_churn.query.preflight import (
    load_another,
    prepare_kind,
    prepare_model,
    prepare_shadow,
)
from telco_churn.query.session import failing_with_spark, session
from telco_churn.query.source_and_sink import KafkaEnds
from telco_churn.query.topic_checks import check_topics
from telco_churn.rights.missing import RightsWatch
from telco_churn.rights.needed import rights_of_job
from telco_churn.run_reports import close_books, failures_told, run_report
from telco_churn.settings.job import Settings
from telco_churn.settings.resolve import read_settings
from telco_churn.telemetry import (
    logged_topics,
    make_telemetry,
    show_model,
    show_start,
    start_log,
)


def main(arguments: Sequence[str]) -> None:
    """The job, from its command-line arguments.

    Raises:
        ChurnStreamError: one of its kinds, for each reason to end with an exit code.
        TelemetryError: an outlet cannot be used.
    """
    with heeding_signals():
        with failures_told(arguments, os.environ):
            settings = read_settings(arguments, os.environ)
        _run_reported(settings)


def _run_reported(settings: Settings) -> None:
    is_batch = settings.reading.trigger.is_once
    with (
        run_report(settings.push, settings.group, settings.run, is_batch=is_batch) as report,
        failing_with_spark(settings.log),
    ):
        run(settings, report)


def run(settings: Settings, report: RunReport | None) -> None:
    """The job with its settings; raises like `main`."""
    if settings.run.dry_run:
        rehearse(settings)
        return
    kafka, topics = settings.kafka, settings.topics
    reading, group = settings.reading, settings.group
    # First, as they need no JVM: what is wrong here is told before Spark's slow start.
    kind = prepare_kind(settings.contract, settings.model, settings.shadow)
    wanted = rights_of_job(topics, group, logged_topics(settings))
    found = check_topics(kafka, topics, wanted)
    rights = RightsWatch(kafka.client, wanted, found.lacking)
    checkpoint = Checkpoint(settings.checkpoint.checkpoint, accepts_loss=reading.accepts_loss)
    checkpoint.check()
    # Where to begin matters only to a checkpoint that holds no batch yet.
    beginning = None if checkpoint.has_batches() else reading
    parser = EventParser(kind.event, settings.schemas.schema_id)
    observation, alarm = make_observation(parser.fields), Alarm()
    # Checkpoint and exporter's port are taken first, and given back last.
    with (
        checkpoint.locked(lambda reason: alarm.ring(QueryFailedError(reason))),
        make_telemetry(settings, kind, observation, start_log(settings), report) as telemetry,
        session(settings.supervision.start_timeout, kafka.token_endpoint) as spark,
        checked_cluster(kafka, topics, group, found, beginning) as cluster,
    ):
        rights.tell()
        checkpoint.begin(cluster.check_kafka())
        model = prepare_model(spark, settings.model, reading, found.partitions)
        shadow = prepare_shadow(kind, settings.shadow)
        routes = Routes(*topics.outputs, group.consumer_group)
        access = kafka.jvm_client
        ends = KafkaEnds(access, topics, reading, group, settings.checkpoint)
        executors = ExecutorWatch.of(spark, settings.supervision.start_timeout)
        triage = Triage(
            *(topics, cluster, checkpoint, alarm, settings.log.of_jvm, access, executors, rights)
        )
        show_start(settings, model, shadow)
        plan = partial(ChurnPipeline.by, kind=kind, parser=parser, routes=routes, shadow=shadow)
        models = Replacement(
            *(plan(model), settings.model, lambda path: plan(load_another(kind, path))),
            *(partial(show_model, telemetry, settings.drift), telemetry.model.changed),
            is_fixed=reading.trigger.is_once,
        )
        start = partial(_start, spark, checkpoint, ends)
        with triage.failing_for_good(settings.supervision.max_restarts):
            telemetry.run(spark, lambda: models.run(start), triage.oversight(models))
    if reading.trigger.is_once:
        close_books(telemetry.books)


def _start(
    spark: SparkSession, checkpoint: Checkpoint, ends: KafkaEnds, pipeline: ChurnPipeline
) -> StreamingQuery:
    return checkpoint.start(lambda: ends.start(spark, pipeline.transform))
