from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from telco_churn.query.checkpoint import Checkpoint


@pytest.fixture
def checkpoint(spark: SparkSession, tmp_path: Path) -> Checkpoint:
    """A checkpoint that no query has begun on."""
    found = Checkpoint(str(tmp_path / "checkpoint"))
    found.check()
    return found
