"""How a JVM is started: class path and options, of the job's, the broker's and its tools'."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from launcher.cache.class_archive import (
    VARIABLE,
    ClassArchive,
    Mode,
    archive_for,
    mode_of,
    shaping,
    write_jar,
)
from launcher.cache.connector import connector_jars
from launcher.cache.training_run import make_later
from launcher.java import chosen_java
from launcher.spark import SPARK_HOME
from launcher.submit.spark_settings import SparkSettings
from launcher.tuning import LATE_C2, tuned

_CLASS_PATH = ("--driver-class-path", "spark.driver.extraClassPath")
# For processes that live for seconds or idle for hours: start soon, stay small.
_FAST_START = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m")
_OPTIONS = "SPARK_SUBMIT_OPTS"
_OF_EVERY_JVM = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS")


@dataclass(frozen=True)
class JobJvm:
    """How the job's JVM is put together.

    Attributes:
        options: Options of spark-submit.
        told: What a person is told of its class archive.
        environment: Environment variables for spark-submit.
    """

    options: Sequence[str]
    told: str
    environment: Mapping[str, str] = field(default_factory=dict)


def job_jvm(settings: SparkSettings) -> JobJvm:
    """The job's JVM: the Kafka connector is on its class path, and a class archive if it has one.

    Raises:
        LaunchError: the connector is not cached and cannot be fetched.
    """
    if not settings.driver_is_local:
        return JobJvm(_class_path(settings), f"no class archive: {_why_not(settings)}")
    options, told, archived = _with_archive(settings)
    # An archive has objects in it only where Java's own collector has written them.
    is_recorded = mode_of(settings.environment) is Mode.RECORD
    # The JVM takes the last of two flags, so what the user says comes behind.
    flags = shlex.join([*(LATE_C2 if is_recorded else tuned(given_flags(settings))), *archived])
    given = settings.environment.get(_OPTIONS, "")
    return JobJvm(options, told, {_OPTIONS: f"{flags} {given}".strip()})


def _with_archive(settings: SparkSettings) -> tuple[list[str], str, list[str]]:
    """Options of spark-submit, what a person is told, and the JVM's flags."""
    if reason := _why_not(settings):
        return _class_path(settings), f"no class archive: {reason}", []
    java, mode, archive = chosen_java(), mode_of(settings.environment), job_archive(settings)
    if archive.is_made:
        added, told = archive.use(java), "with class archive"
    elif mode is Mode.RECORD:
        added, told = archive.record(java), "recording a class archive"
        write_jar(archive.jar, _jars())
        # Behind the jar Spark names directories, which may not be there while it is recorded.
        added.append(f"-Djava.class.path={archive.jar}")
    else:
        if mode is Mode.ON:
            make_later(archive, job_flags(settings))
        return _class_path(settings), "no class archive yet", []
    return [_CLASS_PATH[0], str(archive.jar)], told, added


def job_archive(settings: SparkSettings) -> ClassArchive:
    """The class archive for the job's JVM, made or not.

    Raises:
        LaunchError: the Kafka connector is not cached and cannot be fetched.
    """
    return archive_for("job", chosen_java(), _jars(), job_flags(settings))


def job_flags(settings: SparkSettings) -> list[str]:
    """Those options that the user gives the job's JVM on which its archive depends."""
    return shaping(given_flags(settings))


def given_flags(settings: SparkSettings) -> list[str]:
    """The options that the user gives the job's JVM, wherever they stand."""
    texts = (
        settings.environment.get(_OPTIONS),
        settings.value("--driver-java-options", "spark.driver.extraJavaOptions"),
        settings.value("", "spark.driver.defaultJavaOptions"),
        *map(settings.environment.get, _OF_EVERY_JVM),
    )
    return [word for text in texts if text for word in text.split()]


def broker_archive(class_path: Sequence[Path]) -> ClassArchive:
    """The class archive for a JVM that `java_command` starts, made or not."""
    return archive_for("broker", chosen_java(), class_path, _FAST_START)


def java_command(
    class_path: Sequence[Path], options: Sequence[str], main: str, *, is_long: bool = False
) -> list[str]:
    """The command that runs the class `main`, with a small heap and a short start.

    Args:
        class_path: Its jars.
        options: For the JVM.
        main: The class.
        is_long: It loads most of what it can load, so that a class archive can be recorded from it.

    Raises:
        LaunchError: if there is no Java.
    """
    java, mode, archive = chosen_java(), mode_of(os.environ), broker_archive(class_path)
    added: list[str] = []
    if mode is not Mode.OFF and archive.is_made:
        added = archive.use(java)
    elif mode is Mode.RECORD and is_long:
        added = archive.record(java)
    elif mode is Mode.ON:
        make_later(archive, ())
    joined = os.pathsep.join(map(str, class_path))
    return [str(java.program), *_FAST_START, *added, *options, "-cp", joined, main]


def _jars() -> list[Path]:
    """The connector, and all that Spark has."""
    return [*map(Path, connector_jars().split(",")), *sorted((SPARK_HOME / "jars").glob("*.jar"))]


def _class_path(settings: SparkSettings) -> list[str]:
    """Options of spark-submit that add the connector."""
    # The user's own list would replace ours; the job then fetches the connector by itself.
    if "--jars" in settings.options or "--packages" in settings.options:
        return []
    if not settings.driver_is_local:
        return ["--jars", connector_jars()]
    # In one JVM they need not be handed to executors: copied, and asked for by a user's name.
    path = [*connector_jars().split(","), settings.value(*_CLASS_PATH) or ""]
    return [_CLASS_PATH[0], os.pathsep.join(filter(None, path))]


def _why_not(settings: SparkSettings) -> str:
    """Why the job's JVM can have no archive; empty if it can."""
    if mode_of(settings.environment) is Mode.OFF:
        return f"{VARIABLE} is off"
    if not settings.driver_is_local:
        return "the job does not run on this machine alone"
    for option, key in (
        ("--jars", "spark.jars"),
        ("--packages", "spark.jars.packages"),
        _CLASS_PATH,
    ):
        if settings.value(option, key):
            return f"{option if settings.options.get(option) else key} is given"
    return ""
