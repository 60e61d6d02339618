"""How a JVM is started: class path and options, of the job's, the broker's and its tools'."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from launcher.cache.connector import connector_jars
from launcher.java import chosen_java
from launcher.submit.spark_settings import SparkSettings

_CLASS_PATH = ("--driver-class-path", "spark.driver.extraClassPath")
# For processes that live for seconds or idle for hours: start soon, stay small.
_FAST_START = ("-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m")


def job_options(settings: SparkSettings) -> list[str]:
    """Options of spark-submit that put the job's JVM together.

    Raises:
        LaunchError: the Kafka connector is neither cached nor to be had.
    """
    # The user's own list would replace ours; the job then fetches the connector by itself.
    if "--jars" in settings.options or "--packages" in settings.options:
        return []
    if not settings.driver_is_local:
        return ["--jars", connector_jars()]
    # In one JVM they need not be handed to executors: copied, and asked for by a user's name.
    path = [*connector_jars().split(","), settings.value(*_CLASS_PATH) or ""]
    return ["--driver-class-path", os.pathsep.join(filter(None, path))]


def java_command(class_path: Sequence[Path], options: Sequence[str], main: str) -> list[str]:
    """The command that runs the class `main`, with a small heap and a short start.

    Raises:
        LaunchError: if there is no Java.
    """
    joined = os.pathsep.join(str(path) for path in class_path)
    return [str(chosen_java().program), *_FAST_START, *options, "-cp", joined, main]
