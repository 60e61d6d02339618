"""What spark-submit runs in the sandbox: the job's own program, as soon as the gate is open."""

from __future__ import annotations

import runpy
import sys

# Loaded while it waits; the program finds it there.
import telco_churn.run  # noqa: F401
from sandbox.early_job.gate import passed
from telco_churn.paths import job_program

if __name__ == "__main__":
    sys.argv += passed()
    runpy.run_path(str(job_program()), run_name="__main__")
