"""Spark for a command that ends: on this machine, unless spark-submit set another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark import SparkConf
from pyspark.sql import SparkSession

from launcher.submit.surroundings import ready_this_process
from stream_telemetry.process.driver_jvm import connected

_UNLESS_SET = {
    "spark.master": "local[*]",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.session.timeZone": "UTC",
}


@contextmanager
def batch_session(name: str) -> Iterator[SparkSession]:
    """A session with this name, stopped at the end.

    Raises:
        LaunchError: there is no Java that fits.
    """
    settings = SparkConf().setAppName(name)
    for key, value in _UNLESS_SET.items():
        settings.setIfMissing(key, value)
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # nobody has started a JVM yet
        ready_this_process()
    connected()
    spark = SparkSession.builder.config(conf=settings).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    try:
        yield spark
    finally:
        spark.stop()
