"""The command behind `./spark-submit.sh --sandbox`."""

from __future__ import annotations

import os
import sys

from launcher.submit.command import put_together
from sandbox.early_job.gate import HELD_JOB
from sandbox.plan import parse_plan
from sandbox.trial import run
from telco_churn.errors import ChurnStreamError


def main() -> int:
    """Runs the sandbox as the command line asks; returns the exit code."""
    try:
        plan = parse_plan(sys.argv[1:], os.environ)
        log = plan.settings.log
        return run(plan, put_together(plan.division, log, os.environ, HELD_JOB))
    except ChurnStreamError as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
