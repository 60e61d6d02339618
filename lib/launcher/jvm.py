"""How a JVM is started: its class path and its options, for the broker and its tools.

Spark's own jars are told here too.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from launcher.errors import LaunchError
from launcher.java import chosen_java


def _package_directory(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise LaunchError(f"the Python package {name} is not installed; run pip install {name}")
    return Path(spec.origin).parent


# Not by importing it, which takes longer than all else that a start needs from here.
SPARK_HOME = _package_directory("pyspark")

# For processes that live for seconds or idle for hours: start soon, stay small.
_FAST_START = ("-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx512m")


def java_command(class_path: Sequence[Path], options: Sequence[str], main: str) -> list[str]:
    """The command that runs the class `main`, with a small heap and a short start.

    Raises:
        LaunchError: if there is no Java.
    """
    joined = os.pathsep.join(str(path) for path in class_path)
    return [str(chosen_java().program), *_FAST_START, *options, "-cp", joined, main]


def spark_jars(*names: str) -> list[Path]:
    """Jars that pyspark ships, by artifact name without version."""
    return [
        jar for name in names for jar in sorted((SPARK_HOME / "jars").glob(f"{name}-[0-9]*.jar"))
    ]
