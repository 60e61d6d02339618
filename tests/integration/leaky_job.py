"""The job with a plan that drops every third record before anybody has counted it."""

from __future__ import annotations

import sys
from unittest.mock import patch

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telco_churn import run
from telco_churn.errors import exit_with
from telco_churn.pipeline import ChurnPipeline


class LeakyPipeline(ChurnPipeline):
    def transform(self, records: DataFrame) -> DataFrame:
        return super().transform(records.where(F.col("offset") % 3 != 0))


if __name__ == "__main__":
    with patch.object(run, "ChurnPipeline", LeakyPipeline):
        exit_with("churn_stream", run.main, sys.argv[1:])
