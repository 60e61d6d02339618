"""What must hold of Spark before the query may start."""

from __future__ import annotations

import re

from pyspark.sql import SparkSession

from telco_churn.errors import SettingsError
from telco_churn.model.loading import SPARK_ERRORS
from telco_churn.settings.job import Settings

OLDEST_KAFKA_CLIENTS = (3, 9, 2)
"""Below it a batch of records that expires in flight can end in another topic (CVE-2026-35554)."""


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


def check_kafka_clients(spark: SparkSession) -> None:
    """Asks an executor which Kafka client it has; the job writes to two topics by one of them.

    Raises:
        SettingsError: it is too old, or does not say.
    """
    asked = "java_method('org.apache.kafka.common.utils.AppInfoParser', 'getVersion')"
    try:
        row = spark.sql(f"SELECT {asked} AS version").first()
        version = str(row.version) if row else "unknown"
    except SPARK_ERRORS:
        version = "unknown"
    ensure_new_enough(version)


def ensure_new_enough(version: str) -> None:
    """Compares the version of kafka-clients with the oldest that is safe.

    Raises:
        SettingsError: it is older, or no version.
    """
    oldest = ".".join(map(str, OLDEST_KAFKA_CLIENTS))
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if numbers is None or tuple(map(int, numbers.groups())) < OLDEST_KAFKA_CLIENTS:
        raise SettingsError(
            f"kafka-clients {version} is on Spark's class path; below {oldest} it can write a "
            "record to the wrong topic (CVE-2026-35554): take the connector that belongs to this "
            "Spark, and no older jar beside it"
        )
