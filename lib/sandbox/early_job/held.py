"""What spark-submit runs in the sandbox: the job's own program, as soon as the gate is open."""

from __future__ import annotations

import runpy
import sys

from launcher.submit.spark_sources import use_unpacked_sources
from sandbox.early_job.gate import passed
from telco_churn.paths import job_program

if __name__ == "__main__":
    use_unpacked_sources()
    # The program finds it loaded.
    import telco_churn.run  # noqa: F401

    sys.argv += passed()
    runpy.run_path(str(job_program()), run_name="__main__")
