"""Runs the job: checks everything first, then starts the query and stays until it ends."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.logs.configure import LogTargets, configure_logging
from stream_telemetry.logs.files import LostLines
from stream_telemetry.run.lifecycle import JVM_ERRORS, StopSignals
from stream_telemetry.run.supervision import Restart, Restarts, supervise
from stream_telemetry.telemetry import Telemetry
from telco_churn.contract.parser import EventParser
from telco_churn.contract.schema import load_contract
from telco_churn.errors import QueryFailedError
from telco_churn.model.loading import SPARK_ERRORS, Model, first_line, load_model
from telco_churn.outcome.counted import make_observation
from telco_churn.outcome.routing import Routes
from telco_churn.pipeline import ChurnPipeline
from telco_churn.query.checkpoint import check_checkpoint, check_source, locked, remember_source
from telco_churn.query.failures import check_kafka_again, ensure_it_can_pass, final_failure
from telco_churn.query.preflight import check_kafka_clients, check_slots
from telco_churn.query.session import start_session
from telco_churn.query.source_and_sink import read_records, write_records
from telco_churn.query.topics import check_message_sizes, check_topics
from telco_churn.settings.job import Settings, read_settings
from telco_churn.telemetry import LOGGER, make_telemetry, show_model

log = logging.getLogger(LOGGER)
LOGGERS = (log.name, "stream_telemetry")
"""Loggers that `--log-level` sets."""


def main(arguments: Sequence[str]) -> None:
    """The job, from its command-line arguments.

    Raises:
        ChurnStreamError: one of its kinds, for each reason to end with an exit code.
    """
    settings = read_settings(arguments, os.environ)
    partitions = check_topics(settings)
    check_message_sizes(settings)
    check_checkpoint(settings.checkpoint)
    check_source(settings)
    parser = EventParser(load_contract("customer_event"))
    if settings.dry_run:
        with _session() as spark:
            prepare_model(spark, settings, partitions)
        sys.stdout.write("".join(f"{k} = {v}\n" for k, v in settings.described().items()))
        return
    _run(settings, partitions, parser, _configure_logging(settings))


def _run(settings: Settings, partitions: int, parser: EventParser, lost_lines: LostLines) -> None:
    observation = make_observation(parser.fields)
    # Checkpoint and exporter's port are taken first, and given back last.
    with (
        locked(settings.checkpoint),
        make_telemetry(settings, observation, lost_lines) as telemetry,
        _session() as spark,
    ):
        remember_source(settings)
        model = prepare_model(spark, settings, partitions)
        show_model(telemetry, model.manifest)
        routes = Routes(settings.output_topic, settings.deadletter_topic, settings.consumer_group)
        pipeline = ChurnPipeline(parser, model, routes, observation)
        signals = StopSignals()
        signals.listen(spark)
        telemetry.attach(spark)
        log.info(
            "reading %s on %s, trigger %s, model %s",
            *(settings.input_topic, settings.broker, settings.trigger, model.manifest.version),
        )
        try:
            _stay(spark, settings, pipeline, signals, telemetry)
        finally:
            telemetry.detach(spark)


def _configure_logging(settings: Settings) -> LostLines:
    return configure_logging(
        LogTargets(
            name=log.name,
            directory=settings.log_dir,
            level=settings.log_level,
            loggers=LOGGERS,
            run_directory=settings.run_log_dir,
            run_name="consumer",
        )
    )


def prepare_model(spark: SparkSession, settings: Settings, partitions: int) -> Model:
    """The model, once it is known that Spark can run as the settings want.

    Raises:
        SettingsError: real-time mode has too few slots, or the Kafka client is too old.
        ModelError: the model cannot be used.
    """
    check_slots(spark, settings, partitions)
    check_kafka_clients(spark)
    model = load_model(settings.model_path)
    warn_if_slow(model)
    return model


def warn_if_slow(model: Model) -> None:
    """Tells the log of a model that is scored by its stages."""
    if not model.is_compiled:
        log.warning(
            "model %s is scored by its Spark ML stages, which takes longer: it is not of the kind "
            "that jobs/train_model.py makes",
            model.manifest.version,
        )


def start_query(spark: SparkSession, settings: Settings, pipeline: ChurnPipeline) -> StreamingQuery:
    """The running query.

    Raises:
        QueryFailedError: Spark refuses to start it.
    """
    records = read_records(spark, settings).transform(pipeline.transform)
    try:
        return write_records(records, settings).start()
    except SPARK_ERRORS as error:
        raise QueryFailedError(f"the query does not start: {first_line(error)}") from error


@contextmanager
def _session() -> Iterator[SparkSession]:
    spark = start_session()
    try:
        yield spark
    finally:
        with contextlib.suppress(*JVM_ERRORS):
            spark.stop()


def _stay(
    spark: SparkSession,
    settings: Settings,
    pipeline: ChurnPipeline,
    signals: StopSignals,
    telemetry: Telemetry,
) -> None:
    def on_failure(restart: Restart) -> None:
        ensure_it_can_pass(restart.cause, settings)
        telemetry.restarting(restart)

    try:
        supervise(
            lambda: start_query(spark, settings, pipeline),
            signals,
            Restarts(settings.max_restarts),
            is_batched=settings.trigger.mode != "realtime",
            on_stop=telemetry.stopping,
            on_failure=on_failure,
            on_silence=lambda: check_kafka_again(settings),
        )
    except StreamingQueryException as error:
        ensure_it_can_pass(error, settings)
        raise final_failure(error, settings, settings.max_restarts) from error
    except JVM_ERRORS as error:
        raise QueryFailedError(
            f"Spark's JVM does not answer any more ({first_line(error)}); start the job again, it "
            "goes on from its checkpoint"
        ) from error
