"""Runs the job: checks everything first, then starts the query and stays until it ends."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from stream_telemetry.lifecycle import StopSignals, run_until_stopped
from stream_telemetry.logs.configure import LogTargets, configure_logging
from stream_telemetry.telemetry import Telemetry
from telco_churn.contract import load_contract
from telco_churn.errors import QueryFailedError, SettingsError, SourceDataLostError
from telco_churn.kafka import check_topics, read_records, write_records
from telco_churn.model import SPARK_ERRORS, Model, first_line, load_model
from telco_churn.observation import make_observation
from telco_churn.pipeline import ChurnPipeline
from telco_churn.routing import Routes
from telco_churn.session import start_session
from telco_churn.settings import Settings, read_settings
from telco_churn.telemetry import LOGGER, make_telemetry, show_model
from telco_churn.validation import EventParser

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
    check_checkpoint(settings.checkpoint)
    parser = EventParser(load_contract("customer_event"))
    if settings.dry_run:
        with _session() as spark:
            prepare_model(spark, settings, partitions)
        sys.stdout.write("".join(f"{k} = {v}\n" for k, v in settings.described().items()))
        return
    lost_lines = configure_logging(
        LogTargets(
            name=log.name,
            directory=settings.log_dir,
            level=settings.log_level,
            loggers=LOGGERS,
            run_directory=settings.run_log_dir,
            run_name="consumer",
        )
    )
    observation = make_observation(parser.fields)
    # The exporter's port is taken first, and given back last.
    with make_telemetry(settings, observation, lost_lines) as telemetry, _session() as spark:
        model = prepare_model(spark, settings, partitions)
        show_model(telemetry, model.manifest)
        routes = Routes(settings.output_topic, settings.deadletter_topic, settings.consumer_group)
        pipeline = ChurnPipeline(parser, model, routes, observation)
        signals = StopSignals()
        signals.listen(spark)
        telemetry.attach(spark)
        log.info(
            "reading %s on %s, trigger %s, model %s",
            settings.input_topic,
            settings.broker,
            settings.trigger,
            model.manifest.version,
        )
        try:
            query = start_query(spark, settings, pipeline)
            _stay(query, signals, settings, telemetry)
        finally:
            telemetry.detach(spark)


def prepare_model(spark: SparkSession, settings: Settings, partitions: int) -> Model:
    """The model, once it is known that Spark can run as the settings want.

    Raises:
        SettingsError: real-time mode has too few slots.
        ModelError: the model cannot be used.
    """
    check_slots(spark, settings, partitions)
    model = load_model(settings.model_path)
    if not model.is_compiled:
        log.warning(
            "model %s is scored by its Spark ML stages, which takes longer: it is not of the kind "
            "that jobs/train_model.py makes",
            model.manifest.version,
        )
    return model


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


def check_checkpoint(checkpoint: str) -> None:
    """Tries to write where the checkpoint will be; a URI is left to Spark.

    Raises:
        SettingsError: the directory cannot be written.
    """
    if "://" in checkpoint:
        return
    try:
        Path(checkpoint).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=checkpoint):
            pass
    except OSError as error:
        raise SettingsError(
            f"checkpoint {checkpoint} cannot be written ({error.strerror}); "
            "set --checkpoint to a directory that this user may write"
        ) from error


def check_slots(spark: SparkSession, settings: Settings, partitions: int) -> None:
    """Real-time mode runs one task for each partition, all the time; too few slots read only some.

    Raises:
        SettingsError: there are fewer slots than partitions.
    """
    slots = spark.sparkContext.defaultParallelism
    if settings.trigger.mode == "realtime" and slots < partitions:
        raise SettingsError(
            f"real-time mode needs a slot for each partition: {settings.input_topic} has "
            f"{partitions}, Spark has {slots}; set --master local[{partitions + 1}] or more cores"
        )


@contextmanager
def _session() -> Iterator[SparkSession]:
    spark = start_session()
    try:
        yield spark
    finally:
        spark.stop()


def _stay(
    query: StreamingQuery, signals: StopSignals, settings: Settings, telemetry: Telemetry
) -> None:
    try:
        run_until_stopped(
            query,
            signals,
            is_batched=settings.trigger.mode != "realtime",
            on_stop=telemetry.stopping,
        )
    except StreamingQueryException as error:
        raise _failure(error, settings) from error


def _failure(error: StreamingQueryException, settings: Settings) -> Exception:
    text = str(error)
    if "KAFKA_DATA_LOSS" in text:
        return SourceDataLostError(
            f"{settings.input_topic} no longer has the offsets that come next: "
            f"{first_line(error)}; "
            "to go on without them, start with another --checkpoint"
        )
    return QueryFailedError(f"the query failed: {first_line(error)}")
