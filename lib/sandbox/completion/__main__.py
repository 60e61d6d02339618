"""The command behind `./spark-submit.sh --completion SHELL`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from launcher.submit.spark_options import spark_options
from sandbox.plan import SandboxSettings
from telco_churn.errors import exit_with
from telco_churn.settings.flags import OneLineParser, add_options
from telco_churn.settings.resolve import job_parser

_PROGRAM = "spark-submit.sh"


def main(words: Sequence[str]) -> None:
    """Writes the script that a shell reads.

    Args:
        words: the command line.

    Raises:
        SettingsError: an argument is unknown, or there is no script for that shell.
        SystemExit: with 0, after the script.
    """
    every_option().parse_or_raise(words)


def every_option() -> OneLineParser:
    """A parser of all that `./spark-submit.sh` takes."""
    parser = job_parser(_PROGRAM)
    add_options(parser, SandboxSettings)
    parser.add_argument("--sandbox", action="store_true", help="try the job on this machine")
    parser.add_argument("--prepare", action="store_true", help="make what a start makes, and end")
    spark = parser.add_argument_group("spark-submit's own")
    for name, has_value in spark_options().items():
        if name not in parser.option_strings:
            spark.add_argument(name, action="store" if has_value else "store_true", help="")
    return parser


if __name__ == "__main__":
    exit_with(_PROGRAM, main, sys.argv[1:])
