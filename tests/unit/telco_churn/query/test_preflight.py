from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pyspark.sql import SparkSession

from launcher.cache.connector import connector_jars
from telco_churn.errors import SettingsError
from telco_churn.query.preflight import check_kafka_clients, ensure_new_enough


@pytest.mark.parametrize("version", ["3.9.2", "3.10.0", "4.0.0", "3.9.2-ccs"])
def test_a_kafka_client_that_is_new_enough(version: str) -> None:
    ensure_new_enough(version)


@pytest.mark.parametrize("version", ["3.9.1", "2.8.2", "unknown", ""])
def test_a_kafka_client_that_could_write_to_the_wrong_topic_is_refused(version: str) -> None:
    with pytest.raises(SettingsError, match=f"kafka-clients {version}.* below 3.9.2 .*CVE-2026"):
        ensure_new_enough(version)


def test_a_client_in_the_same_jvm_is_known_without_a_job(spark: SparkSession) -> None:
    with without_added_jars(spark), pytest.raises(SettingsError, match="kafka-clients unknown"):
        check_kafka_clients(spark)
    (clients,) = (jar for jar in connector_jars().split(",") if "kafka-clients" in jar)
    spark.sql(f"ADD JAR '{clients}'").collect()
    begun = jobs(spark)
    check_kafka_clients(spark)
    assert jobs(spark) == begun


@contextmanager
def without_added_jars(spark: SparkSession) -> Iterator[None]:
    """Other tests of this process may have added the connector to its JVM."""
    jvm: Any = spark.sparkContext._jvm
    thread = jvm.java.lang.Thread.currentThread()
    loader = thread.getContextClassLoader()
    thread.setContextClassLoader(jvm.java.lang.ClassLoader.getSystemClassLoader())
    yield
    thread.setContextClassLoader(loader)


def jobs(spark: SparkSession) -> int:
    """How many jobs this Spark has run."""
    store = spark.sparkContext._jsc.sc().statusStore()
    return int(store.jobsList(None).size())
