"""Scores customer events from Kafka: `spark-submit jobs/churn_stream.py --help`.

What happens to a record is in `telco_churn/pipeline.py`; how the job starts and ends, in `run.py`.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("telco_churn") is None:  # not installed: this is a checkout
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from launcher.submit.spark_sources import use_unpacked_sources
from telco_churn.errors import exit_with_main_of

if __name__ == "__main__":
    use_unpacked_sources()
    exit_with_main_of("telco_churn.run", "churn_stream", sys.argv[1:])
