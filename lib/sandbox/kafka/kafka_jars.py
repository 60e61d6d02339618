"""Which Kafka the sandbox runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from launcher.cache.jars import JarSet, fetch
from launcher.spark import spark_jars

KAFKA_VERSION = "4.3.1"

KAFKA = JarSet(
    name=f"Kafka {KAFKA_VERSION}",
    directory=f"kafka-{KAFKA_VERSION}",
    packages=(
        f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
        # The commands behind kafka-consumer-groups.sh and its like.
        f"org.apache.kafka:kafka-tools:{KAFKA_VERSION}",
    ),
    # Kafka Connect is most of what the tools pull in, and no tool used here needs it; the logging
    # jars come with Spark, as one set whose versions fit each other.
    excluded=(
        "org.apache.kafka:connect-runtime",
        "org.apache.logging.log4j:log4j-api",
        "org.apache.logging.log4j:log4j-core",
        "org.slf4j:slf4j-api",
    ),
    megabytes=37,
)
_FROM_SPARK = ("scala-library", "slf4j-api", "log4j-api", "log4j-core", "log4j-slf4j2-impl")


def kafka_class_path(check: Callable[[], None] = lambda: None) -> list[Path]:
    """The class path of a broker and its tools; see `launcher.cache.jars.fetch`."""
    return [*spark_jars(*_FROM_SPARK), *sorted(fetch(KAFKA, check).glob("*.jar"))]
