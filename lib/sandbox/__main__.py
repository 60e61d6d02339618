"""The command behind `./spark-submit.sh --sandbox`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from launcher.submit.command import Submission, put_together
from sandbox.early_job.gate import HELD_JOB
from sandbox.errors import SandboxError
from sandbox.interrupts import Interrupted, Interrupts
from sandbox.plan import Plan, parse_plan
from sandbox.scratch import scratch_directory
from sandbox.trial import Trial, say
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


def run(plan: Plan, submission: Submission) -> int:
    """Runs the sandbox until it is done or somebody stops it; leaves nothing behind.

    After an error the scratch directory stays, for the logs in it.

    Returns:
        The exit code: 0, or 5 when events are unaccounted for.

    Raises:
        SandboxError: if something fails; its exit code is the job's where the job failed.
    """
    with Interrupts() as interrupts:
        scratch = scratch_directory()
        try:
            exit_code = _run_in(scratch, plan, submission, interrupts.check)
        except ChurnStreamError as error:
            raise SandboxError(f"{error} (all logs: {scratch})", error.exit_code) from error
        shutil.rmtree(scratch, ignore_errors=True)
        return exit_code


def _run_in(scratch: Path, plan: Plan, submission: Submission, check: Callable[[], None]) -> int:
    trial = Trial(scratch, plan, submission, check)
    exit_code = 0
    with trial:
        try:
            trial.prepare()
            exit_code = trial.run_once() if plan.is_once else trial.stream()
        except Interrupted:
            say("Stopping ...")
    trial.require_clean_end()
    say("Stopped; nothing is left running.")
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
