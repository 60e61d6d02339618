"""The Spark session of the job, with the Kafka connector on its class path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pyspark
from pyspark import SparkConf
from pyspark.sql import SparkSession

from stream_telemetry.login import connected
from stream_telemetry.run.lifecycle import JVM_ERRORS
from telco_churn.errors import SettingsError
from telco_churn.model.loading import SPARK_ERRORS, first_line

CONNECTOR = f"org.apache.spark:spark-sql-kafka-0-10_2.13:{pyspark.__version__}"
# pyspark ships these two; without them the download is a tenth of the size.
_SHIPPED = ("org.apache.hadoop:hadoop-client-api", "org.apache.hadoop:hadoop-client-runtime")

SQL_SETTINGS: dict[str, bool | float | int | str | None] = {
    # A time without a zone must not depend on the machine.
    "spark.sql.session.timeZone": "UTC",
    # As Python and `from_json` do: the last one wins.
    "spark.sql.variant.allowDuplicateKeys": "true",
    # Noting the Python line of each column for error messages doubles the time to build the plan.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Base64 in one piece: line breaks belong in mail, not in JSON.
    "spark.sql.chunkBase64String.enabled": "false",
    # Fused into one method the rules are longer than what the JVM compiles (8,000 bytes of code);
    # projection by projection they are split into short ones (bench/plan_cost.py measures it).
    "spark.sql.codegen.wholeStage": "false",
    # Readable by hand and by older versions of this job, whatever a site prefers.
    "spark.sql.streaming.offsetLog.formatVersion": "1",
    # The plan has no shuffle, and nothing to learn while it runs.
    "spark.sql.adaptive.enabled": "false",
}
_LOOPBACK = ("spark.driver.host", "spark.driver.bindAddress")


@contextmanager
def session() -> Iterator[SparkSession]:
    """`start_session`, stopped at the end even if the JVM is gone."""
    spark = start_session()
    try:
        yield spark
    finally:
        with suppress(*JVM_ERRORS):
            spark.stop()


def start_session() -> SparkSession:
    """A Spark session that can read and write Kafka.

    Raises:
        SettingsError: Spark does not start, or the connector cannot be fetched.
    """
    conf = SparkConf()
    is_local = conf.get("spark.master", "local[*]").startswith("local")
    builder = SparkSession.builder.appName("churn_stream").config(map=SQL_SETTINGS)
    if is_local:
        # Nobody else needs to reach the driver of a local run, nor its block manager and UI.
        builder = builder.config(
            map={key: "127.0.0.1" for key in _LOOPBACK if not conf.contains(key)}
        )
    try:
        connected()
        spark = builder.getOrCreate()
    except (*SPARK_ERRORS, RuntimeError) as error:
        raise SettingsError(f"Spark does not start: {first_line(error)}") from error
    _add_connector(spark)
    return spark


def _add_connector(spark: SparkSession) -> None:
    source = "org.apache.spark.sql.kafka010.KafkaSourceProvider"
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    if jvm.org.apache.spark.util.Utils.classIsLoadable(source):
        return
    try:
        spark.sql(f"ADD JAR 'ivy://{CONNECTOR}?exclude={','.join(_SHIPPED)}'").collect()
    except SPARK_ERRORS as error:
        raise SettingsError(
            f"the Kafka connector {CONNECTOR} is not on the class path and cannot be fetched: "
            f"{first_line(error)}; pass it with --packages or --jars"
        ) from error
