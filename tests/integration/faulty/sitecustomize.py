"""Faults that only a bug in the job could make, for a job with this directory on its PYTHONPATH.

Records whose value is `leak` vanish before anybody has counted them. As long as there is a file
`no-offsets` in the working directory, the telemetry's lag thread meets an error that it does not
know. As long as there is `slow-model`, nobody gets the files of the model, as on a disk that hangs.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from unittest.mock import patch


def _make_faulty() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib"))
    from launcher.submit.spark_sources import use_unpacked_sources

    use_unpacked_sources()
    from pyspark.sql import DataFrame
    from pyspark.sql import functions as F

    from stream_telemetry.broker.offsets import BrokerOffsets
    from stream_telemetry.broker.partitions import Bounds
    from telco_churn.model.manifest import Manifest
    from telco_churn.model.verification import verify_files
    from telco_churn.pipeline import ChurnPipeline

    transform, bounds = ChurnPipeline.transform, BrokerOffsets.bounds

    def leaky(pipeline: ChurnPipeline, records: DataFrame) -> DataFrame:
        is_kept = ~F.col("value").eqNullSafe(F.lit(b"leak"))
        return transform(pipeline, records.where(is_kept))

    def failing(offsets: BrokerOffsets) -> Bounds:
        if Path("no-offsets").exists():
            raise RuntimeError("offsets that nobody understands")
        return bounds(offsets)

    def slow(copy: Path, manifest: Manifest) -> None:
        while Path("slow-model").exists():
            time.sleep(0.1)
        verify_files(copy, manifest)

    patch.object(ChurnPipeline, "transform", leaky).start()
    patch.object(BrokerOffsets, "bounds", failing).start()
    patch("telco_churn.model.loading.verify_files", slow).start()


# Of the job itself, not of the programs that start it.
if "PYSPARK_GATEWAY_PORT" in os.environ:
    _make_faulty()
