"""Submits `variant_job.py` as the job is submitted: `[SPARK OPTIONS] -- [--plain] JOB_OPTIONS`.

So both have the same Java, flags and class archive, and what is compared is the work alone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from launcher.submit.command import hand_over, put_together
from launcher.submit.division import divide
from stream_telemetry.logs.settings import LogSettings

if __name__ == "__main__":
    log = LogSettings(log_dir=Path(os.environ["CHURN_STREAM_LOG_DIR"]))
    program = Path(__file__).with_name("variant_job.py")
    hand_over(put_together(divide(sys.argv[1:], {}), log, os.environ, program))
