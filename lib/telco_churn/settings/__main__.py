"""`python -m telco_churn.settings ARGUMENTS` checks them without a JVM.

It prints what the JVM's log has in common with the job's: the directory, or - for none, and the
permissions, such as rw-------.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence

from stream_telemetry.logs.configure import STANDARD_OUTPUT
from telco_churn.errors import exit_with
from telco_churn.settings.resolve import read_settings


def check(arguments: Sequence[str]) -> None:
    """Raises SettingsError when they do not fit."""
    log = read_settings(arguments, os.environ).log
    directory = log.log_dir if log.log_dir == STANDARD_OUTPUT else log.log_dir.absolute()
    sys.stdout.write(f"{directory}\n{stat.filemode(log.file_mode)[1:]}\n")


if __name__ == "__main__":
    exit_with("churn_stream", check, sys.argv[1:])
