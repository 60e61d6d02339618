"""Runs the job: checks everything first, then starts the query and stays until it ends."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence

from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from stream_telemetry.checkpoint.identity import SourceIdentity
from stream_telemetry.outlets.run_report import RunReport
from stream_telemetry.run.alarm import Alarm
from stream_telemetry.telemetry import Telemetry
from telco_churn import LOGGER
from telco_churn.contract.parser import EventParser
from telco_churn.contract.schema import load_contract
from telco_churn.errors import QueryFailedError
from telco_churn.outcome.counted import make_observation
from telco_churn.outcome.routing import Routes
from telco_churn.pipeline import ChurnPipeline
from telco_churn.query.checkpoint import Checkpoint
from telco_churn.query.cluster_checks import ClusterChecks, checked_cluster
from telco_churn.query.failures import Triage
from telco_churn.query.preflight import prepare_model
from telco_churn.query.session import failing_with_spark, session
from telco_churn.query.source_and_sink import KafkaEnds
from telco_churn.query.topic_checks import TopicsFound, check_beginning, check_topics
from telco_churn.run_reports import failures_told, run_report
from telco_churn.settings.job import Settings
from telco_churn.settings.resolve import described, read_settings
from telco_churn.telemetry import make_telemetry, show_model, start_log

log = logging.getLogger(LOGGER)


def main(arguments: Sequence[str]) -> None:
    """The job, from its command-line arguments.

    Raises:
        ChurnStreamError: one of its kinds, for each reason to end with an exit code.
        TelemetryError: an outlet cannot be used.
    """
    with failures_told(arguments, os.environ):
        settings = read_settings(arguments, os.environ)
    is_batch = settings.reading.trigger.is_once
    with (
        run_report(settings.push, settings.group, settings.run, is_batch=is_batch) as report,
        failing_with_spark(settings.log),
    ):
        run(settings, report)


def run(settings: Settings, report: RunReport | None) -> None:
    """The job with its settings; raises like `main`."""
    found = check_topics(settings.kafka, settings.topics)
    accepts_loss = settings.reading.on_data_loss == "continue"
    checkpoint = Checkpoint(settings.checkpoint.checkpoint, accepts_loss=accepts_loss)
    checkpoint.check()
    parser = EventParser(load_contract("customer_event"), settings.schemas.schema_id)
    if settings.run.dry_run:
        return dry_run(settings, checkpoint, found)
    observation, alarm = make_observation(parser.fields), Alarm()
    # Checkpoint and exporter's port are taken first, and given back last.
    with (
        checkpoint.locked(lambda reason: alarm.ring(QueryFailedError(reason))),
        make_telemetry(settings, observation, start_log(settings), report) as telemetry,
        session() as spark,
        checked_cluster(settings.kafka, settings.topics, settings.group, found) as cluster,
    ):
        checkpoint.begin(check_source(settings, checkpoint, cluster, found))
        model = prepare_model(spark, settings.model, settings.reading, found.partitions)
        show_model(telemetry, model.manifest)
        routes = Routes(*settings.topics.outputs, settings.group.consumer_group)
        pipeline = ChurnPipeline(parser, model, routes, observation)
        log_file = settings.log.log_dir / "spark.log"
        triage = Triage(settings.kafka, settings.topics, cluster, checkpoint, alarm, log_file)
        stay(spark, settings, pipeline, triage, telemetry)


def check_source(
    settings: Settings, checkpoint: Checkpoint, cluster: ClusterChecks, found: TopicsFound
) -> SourceIdentity:
    """Which topic the input topic is, once it is known that a new checkpoint can begin on it."""
    if not checkpoint.has_batches():
        check_beginning(settings.kafka, settings.topics, settings.reading, settings.group, found)
    return cluster.source()


def dry_run(settings: Settings, checkpoint: Checkpoint, found: TopicsFound) -> None:
    """Checks what needs Spark, and prints the settings."""
    with (
        session() as spark,
        checked_cluster(settings.kafka, settings.topics, settings.group, found) as cluster,
    ):
        checkpoint.check_source(check_source(settings, checkpoint, cluster, found))
        prepare_model(spark, settings.model, settings.reading, found.partitions)
    sys.stdout.write("".join(f"{k} = {v}\n" for k, v in described(settings).items()))


def stay(
    spark: SparkSession,
    settings: Settings,
    pipeline: ChurnPipeline,
    triage: Triage,
    telemetry: Telemetry,
) -> None:
    """Runs the query until it has ended, was stopped, failed for good, or the alarm rings.

    Raises:
        ChurnStreamError: it failed for good.
        SparkGoneError: Spark is gone.
    """
    ends = KafkaEnds(
        settings.kafka, settings.topics, settings.reading, settings.group, settings.checkpoint
    )
    log.info(
        "reading %s on %s, trigger %s, model %s",
        settings.topics.input_topic,
        settings.kafka.broker,
        settings.reading.trigger,
        pipeline.model.manifest.version,
    )
    try:
        telemetry.run(
            spark,
            lambda: triage.checkpoint.start(lambda: ends.start(spark, pipeline.transform)),
            triage.oversight(),
        )
    except StreamingQueryException as error:
        triage.ensure_it_can_pass(error)
        raise triage.final(error, settings.supervision.max_restarts) from error
