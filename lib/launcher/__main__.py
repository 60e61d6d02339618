"""The command behind `./spark-submit.sh`: becomes spark-submit, or the sandbox."""

from __future__ import annotations

import itertools
import os
import runpy
import sys
from collections.abc import Sequence

from launcher.submit.command import hand_over, put_together
from launcher.submit.division import divide
from telco_churn.errors import exit_with
from telco_churn.last_words import dismiss
from telco_churn.run_reports import failures_told
from telco_churn.settings.resolve import read_settings

OWN = {"--help": False, "-h": False, "--version": False}
"""Options that are answered here, without a JVM."""
# What stands above this package, which therefore knows it by its name only.
_ABOVE = {
    "--completion": "sandbox.completion",
    "--sandbox": "sandbox",
    "--prepare": "sandbox.preparation",
}


def main(words: Sequence[str]) -> None:
    """Hands over to spark-submit, with the job and its options.

    Raises:
        ChurnStreamError: the job cannot be submitted; nothing has started yet.
        SystemExit: with 0, after `--help` or `--version`.
    """
    division = divide(words, OWN)
    # From here on to the job's own start nobody else would tell.
    with failures_told(division.job, os.environ):
        settings = read_settings([*division.own, *division.job], os.environ)
        submission = put_together(division, settings.log, os.environ)
    hand_over(submission)


if __name__ == "__main__":
    given = [word.partition("=")[0] for word in itertools.takewhile("--".__ne__, sys.argv)]
    above = next((module for word, module in _ABOVE.items() if word in given), None)
    if above:
        # They have signals of their own.
        dismiss()
        runpy.run_module(above, run_name="__main__", alter_sys=True)
    else:
        exit_with("spark-submit.sh", main, sys.argv[1:])
