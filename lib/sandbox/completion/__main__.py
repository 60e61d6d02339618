"""The command behind `./spark-submit.sh --completion SHELL`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from launcher.submit.spark_options import spark_options
from sandbox.plan import AccessSettings, FeedSettings
from telco_churn.errors import exit_with
from telco_churn.settings.flags import OneLineParser, make_parser
from telco_churn.settings.job import Settings
from telco_churn.settings.resolve import JOB

_PROGRAM = "spark-submit.sh"


@dataclass(frozen=True, kw_only=True)
class AllSettings(Settings):
    """Those of the job, and of the sandbox that tries it."""

    feed: FeedSettings
    access: AccessSettings


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
    parser = make_parser(AllSettings, replace(JOB, prog=_PROGRAM))
    parser.add_argument("--sandbox", action="store_true", help="try the job on this machine")
    parser.add_argument("--prepare", action="store_true", help="make what a start makes, and end")
    spark = parser.add_argument_group("spark-submit's own")
    for name, has_value in spark_options().items():
        if name not in parser.option_strings:
            spark.add_argument(name, action="store" if has_value else "store_true", help="")
    return parser


if __name__ == "__main__":
    exit_with(_PROGRAM, main, sys.argv[1:])
