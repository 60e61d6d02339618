"""The Java of this machine, and Spark's own jars."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from launcher.errors import LaunchError


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
    return [_java(), *_FAST_START, *options, "-cp", joined, main]


def spark_jars(*names: str) -> list[Path]:
    """Jars that pyspark ships, by artifact name without version."""
    return [
        jar for name in names for jar in sorted((SPARK_HOME / "jars").glob(f"{name}-[0-9]*.jar"))
    ]


def _java() -> str:
    home = os.environ.get("JAVA_HOME")
    program = shutil.which(str(Path(home) / "bin" / "java") if home else "java")
    if program is None:
        where = f"JAVA_HOME={home} has no bin/java" if home else "there is no java on the PATH"
        raise LaunchError(f"{where}; install a JDK 17 or 21, or set JAVA_HOME to one")
    return program
