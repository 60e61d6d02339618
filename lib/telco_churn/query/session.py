"""The Spark session of the job, with the Kafka connector on its class path."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pyspark
from pyspark import SparkConf
from pyspark.sql import SparkSession

from stream_telemetry.logs.settings import LogSettings
from stream_telemetry.process.driver_jvm import JVM_ERRORS, connected
from stream_telemetry.run.causes import SPARK_ERRORS, root_cause
from stream_telemetry.run.lifecycle import SparkGoneError, told_when_gone
from telco_churn import LOGGER
from telco_churn.errors import QueryFailedError, SettingsError, is_below_spark_submit
from telco_churn.paths import project_home
from telco_churn.query.patience import awaited, why_ended

CONNECTOR = f"org.apache.spark:spark-sql-kafka-0-10_2.13:{pyspark.__version__}"
# pyspark ships these two; without them the download is a tenth of the size.
_SHIPPED = ("org.apache.hadoop:hadoop-client-api", "org.apache.hadoop:hadoop-client-runtime")

# What these rules find was not written in the first place, and they look for it before each batch:
# a third of what the optimizer takes (bench/small_batches.py).
_RULES_WITHOUT_WORK = (
    "BooleanSimplification",
    "CollapseProject",
    "FoldablePropagation",
    "RemoveRedundantAliases",
    "ReorderAssociativeOperator",
    "SimplifyConditionals",
)

SQL_SETTINGS: dict[str, bool | float | int | str | None] = {
    # A time without a zone must not depend on the machine.
    "spark.sql.session.timeZone": "UTC",
    # As Python and `from_json` do: the last one wins.
    "spark.sql.variant.allowDuplicateKeys": "true",
    # Noting the Python line of each column for error messages doubles the time to build the plan.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Base64 in one piece: line breaks belong in mail, not in JSON.
    "spark.sql.chunkBase64String.enabled": "false",
    # A name means a column that comes in, never one that the same projection makes.
    "spark.sql.lateralColumnAlias.enableImplicitResolution": "false",
    # Or `from_json` would read the message once for each field.
    "spark.sql.optimizer.enableJsonExpressionOptimization": "false",
    # Fused into one method the rules are longer than what the JVM compiles (8,000 bytes of code);
    # projection by projection they are split into short ones (bench/plan_cost.py measures it).
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.optimizer.excludedRules": ",".join(
        f"org.apache.spark.sql.catalyst.optimizer.{rule}" for rule in _RULES_WITHOUT_WORK
    ),
    # The plan has no shuffle, and nothing to learn while it runs.
    "spark.sql.adaptive.enabled": "false",
    # What follows are Spark's own defaults. A site may have others, and what becomes of a record
    # must not depend on that.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.ansi.doubleQuotedIdentifiers": "false",
    "spark.sql.ansi.enforceReservedKeywords": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.codegen.fallback": "true",
    "spark.sql.columnNameOfCorruptRecord": "_corrupt_record",
    "spark.sql.function.concatBinaryAsString": "false",
    "spark.sql.icu.caseMappings.enabled": "true",
    "spark.sql.json.enableExactStringParsing": "true",
    "spark.sql.json.enablePartialResults": "true",
    "spark.sql.jsonGenerator.ignoreNullFields": "true",
    "spark.sql.legacy.createEmptyCollectionUsingStringType": "false",
    "spark.sql.legacy.json.allowEmptyString.enabled": "false",
    "spark.sql.legacy.sizeOfNull": "true",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    "spark.sql.legacy.truncateForEmptyRegexSplit": "false",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.parser.quotedRegexColumnNames": "false",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    "spark.sql.variant.validateUnicodeInJsonParsing": "true",
}
_LOCAL_SETTINGS: dict[str, bool | float | int | str | None] = {
    # Nobody else needs to reach the driver of a local run, nor its block manager and UI.
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # The executor is the driver: it cannot be lost, but after two minutes in which the machine has
    # slept, Spark would take it for dead, and end the JVM.
    "spark.storage.blockManagerHeartbeatTimeoutMs": "30d",
}
_ALLOWED_URLS = "org.apache.kafka.sasl.oauthbearer.allowed.urls"
"""Kafka's clients ask nobody for tokens whom this system property of the JVM does not name."""
_EXECUTOR_OPTIONS = "spark.executor.extraJavaOptions"
_REDACTED, _SPARKS_RULE = "spark.redaction.regex", "(?i)secret|password|token|access[.]?key"
"""What Spark's pages and event log leave out: settings whose name or value matches."""
_ALSO_SECRET = (
    "(?i:passwd|passphrase|credential|jaas|(account|private|api)[._-]?key|azure[.]sas"
    # Whatever they are called: variables are where containers keep their secrets.
    "|executorEnv|appMasterEnv|driverEnv)"
    # A login in a URL, also within the whole command line, which Spark shows as a property.
    r"|://[^/@\s]*:[^@\s]+@"
)
_PAGE_PORT, _PORTS_TRIED = 4040, 16
"""Spark's own defaults of `spark.ui.port` and `spark.port.maxRetries`."""

log = logging.getLogger(LOGGER)


@contextmanager
def failing_with_spark(log: LogSettings) -> Iterator[None]:
    """Says so if Spark ends, or is killed, before the block does.

    Raises:
        QueryFailedError: it has.
    """
    try:
        with told_when_gone():
            yield
    except SparkGoneError as error:
        end = f" ({why})" if (why := why_ended()) else ""
        raise QueryFailedError(
            f"{error}{end}; see {log.of_jvm}; started again the job goes on from its checkpoint"
        ) from error


@contextmanager
def session(limit: float, token_endpoint: str | None = None) -> Iterator[SparkSession]:
    """`start_session`, stopped at the end even if the JVM is gone."""
    spark = start_session(limit, token_endpoint)
    try:
        yield spark
    finally:
        with suppress(*JVM_ERRORS):
            spark.stop()


def start_session(limit: float, token_endpoint: str | None = None) -> SparkSession:
    """A Spark session that can read and write Kafka, and has an executor.

    Args:
        limit: seconds that a cluster may take for it.
        token_endpoint: where Kafka's clients get tokens for their login, if they do.

    Raises:
        SettingsError: Spark does not start, or the connector cannot be fetched.
        QueryFailedError: the cluster has given no executor in time, or does not run the job.
    """
    conf = SparkConf()
    if token_endpoint:
        _allow(conf, token_endpoint)
    master = str(conf.get("spark.master", "local[*]"))
    if master.startswith("local"):
        return _started(conf, is_local=True)
    with awaited(master, limit):
        spark = _started(conf, is_local=False)
        # The smallest job there is: it waits until there is an executor.
        spark.range(1, numPartitions=1).first()
    return spark


def _started(conf: SparkConf, *, is_local: bool) -> SparkSession:
    builder = SparkSession.builder.appName("churn_stream").config(map=SQL_SETTINGS)
    if options := conf.get(_EXECUTOR_OPTIONS):
        builder = builder.config(_EXECUTOR_OPTIONS, options)
    if is_local:
        unset = {key: value for key, value in _LOCAL_SETTINGS.items() if not conf.contains(key)}
        builder = builder.config(map=unset)
    builder = builder.config(_REDACTED, f"{conf.get(_REDACTED, _SPARKS_RULE)}|{_ALSO_SECRET}")
    if (is_local and _is_page_open_to_all(conf)) or not _has_port_for_page(conf):
        builder = builder.config("spark.ui.enabled", "false")
    on_interrupt = signal.getsignal(signal.SIGINT)
    try:
        _tell_of_its_lines(connected())
        spark = builder.getOrCreate()
        # pyspark has put a handler of its own in its place.
        signal.signal(signal.SIGINT, on_interrupt)
    except (*SPARK_ERRORS, RuntimeError) as error:
        raise SettingsError(f"Spark does not start: {root_cause(error)}") from error
    if page := spark.sparkContext.uiWebUrl:
        log.info("Spark's page is at %s", page)
    _add_connector(spark)
    return spark


def _allow(conf: SparkConf, token_endpoint: str) -> None:
    """Lets Kafka's Java clients ask there for tokens, in this JVM and on executors."""
    connected().java.lang.System.setProperty(_ALLOWED_URLS, token_endpoint)
    given = conf.get(_EXECUTOR_OPTIONS, "")
    conf.set(_EXECUTOR_OPTIONS, f"{given} -D{_ALLOWED_URLS}={token_endpoint}".strip())


def _tell_of_its_lines(jvm: Any) -> None:
    """Says where to look if Spark's own lines would bury the job's, as by Spark's defaults."""
    if not is_below_spark_submit():
        return
    manager = jvm.org.apache.logging.log4j.LogManager
    if str(manager.getRootLogger().getLevel()) in ("INFO", "DEBUG", "TRACE", "ALL"):
        log.info(
            "Spark's own lines go to standard error, this job's to standard output: 2>spark.log "
            "keeps them apart, SPARK_CONF_DIR=%s sends warnings alone to logs/spark.log",
            project_home() / "conf",
        )


def _is_page_open_to_all(conf: SparkConf) -> bool:
    """Whether Spark's page would be open to the network though nobody has asked for that."""
    # Of this address the JVM hears by its environment only, which ./spark-submit.sh sets.
    if conf.contains("spark.ui.enabled") or os.environ.get("SPARK_LOCAL_IP"):
        return False
    log.warning(
        "Spark's page is off: without SPARK_LOCAL_IP=127.0.0.1 in the environment of spark-submit "
        "it would be open to the network; --conf spark.ui.enabled=true has it anyway"
    )
    return True


def _has_port_for_page(conf: SparkConf) -> bool:
    """Whether Spark's page gets a port; where it finds none, Spark ends the JVM without a word."""
    if conf.get("spark.ui.enabled", "true") != "true":
        return True
    first = int(conf.get("spark.ui.port", str(_PAGE_PORT)))
    last = first + int(conf.get("spark.port.maxRetries", str(_PORTS_TRIED)))
    host = os.environ.get("SPARK_LOCAL_IP", "")
    for port in range(first, last + 1):
        # As the JVM does it; and an address that is none of ours, Spark will say so.
        with suppress(OSError), socket.create_server((host, port)):
            return True
    log.warning(
        "Spark's page has no port (%d to %d are taken), the job goes on without it; name a free "
        "one with --conf spark.ui.port=N",
        *(first, last),
    )
    return False


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
            f"{root_cause(error)}; pass it with --packages or --jars"
        ) from error
