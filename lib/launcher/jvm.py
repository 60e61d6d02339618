"""How a JVM is started: class path and options, of the job's, the broker's and its tools'."""

from __future__ import annotations

import os
from collections.abc import Container, Sequence
from pathlib import Path

from launcher.cache.connector import connector_jars
from launcher.java import chosen_java

# For processes that live for seconds or idle for hours: start soon, stay small.
_FAST_START = ("-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m")


def job_options(given: Container[str]) -> list[str]:
    """Options of spark-submit that put the job's JVM together.

    Args:
        given: The names of the options that the user gives.

    Raises:
        LaunchError: the Kafka connector is neither cached nor to be had.
    """
    # The user's own list would replace ours; the job then fetches the connector by itself.
    if "--jars" in given or "--packages" in given:
        return []
    return ["--jars", connector_jars()]


def java_command(class_path: Sequence[Path], options: Sequence[str], main: str) -> list[str]:
    """The command that runs the class `main`, with a small heap and a short start.

    Raises:
        LaunchError: if there is no Java.
    """
    joined = os.pathsep.join(str(path) for path in class_path)
    return [str(chosen_java().program), *_FAST_START, *options, "-cp", joined, main]
