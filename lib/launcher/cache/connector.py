"""Spark's Kafka connector.

The job can fetch the connector itself, but Spark then asks the network at every start (measured: 9
seconds) and reports at length; from the cache it takes no time.
"""

from __future__ import annotations

from launcher.cache.jars import JarSet, fetch
from launcher.spark import spark_version


def connector_jars() -> str:
    """The connector's jars, for this version of Spark, with commas between them.

    Raises:
        LaunchError: if they are not cached and cannot be fetched, or are not those that are locked.
    """
    return ",".join(str(jar) for jar in sorted(fetch(connector()).glob("*.jar")))


def connector() -> JarSet:
    """What the connector is made of, for this version of Spark."""
    version = spark_version()
    return JarSet(
        name=f"Spark's Kafka connector {version}",
        directory=f"spark-sql-kafka-{version}",
        packages=(f"org.apache.spark:spark-sql-kafka-0-10_2.13:{version}",),
        # Spark ships all of these.
        excluded=(
            "at.yawk.lz4:lz4-java",
            "com.google.code.findbugs:jsr305",
            "org.apache.hadoop:hadoop-client-api",
            "org.apache.hadoop:hadoop-client-runtime",
            "org.scala-lang.modules:scala-parallel-collections_2.13",
            "org.slf4j:slf4j-api",
            "org.xerial.snappy:snappy-java",
        ),
        megabytes=10,
    )
