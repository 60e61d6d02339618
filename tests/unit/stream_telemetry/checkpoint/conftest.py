from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from stream_telemetry.checkpoint.files import CheckpointFiles


@pytest.fixture
def files(spark: SparkSession, tmp_path: Path) -> CheckpointFiles:
    """Of a checkpoint that is made, in a directory that a URI could not hold as it is."""
    made = CheckpointFiles(str(tmp_path / "a, b#ü"))
    made.make()
    return made


@pytest.fixture
def site(spark: SparkSession) -> Iterator[Any]:
    """Sets what a site's core-site.xml would; every setting is gone after the test."""
    assert spark.sparkContext._jvm is not None
    system = spark.sparkContext._jvm.java.lang.System
    known: list[str] = []

    def put(name: str, value: str) -> None:
        known.append(f"spark.hadoop.{name}")
        system.setProperty(known[-1], value)

    yield put
    for name in known:
        system.clearProperty(name)


@pytest.fixture
def linked(site: Any, tmp_path: Path) -> str:
    """The root of a file system of another scheme, which leads to `tmp_path`."""
    # A name of its own: Hadoop keeps file systems by their scheme and authority.
    name = f"site{uuid.uuid4().hex}"
    site(f"fs.viewfs.mounttable.{name}.link./data", f"file://{tmp_path}")
    return f"viewfs://{name}"
