"""The Spark of this Python environment: where it is, which it is, its jars."""

from __future__ import annotations

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


def spark_jars(*names: str) -> list[Path]:
    """Jars that pyspark ships, by artifact name without version."""
    return [
        jar for name in names for jar in sorted((SPARK_HOME / "jars").glob(f"{name}-[0-9]*.jar"))
    ]


def spark_version() -> str:
    """Its version, such as `4.2.0`, by its own jar."""
    (core,) = spark_jars("spark-core_2.13")
    return core.stem.rpartition("-")[2]
