"""`python -m telco_churn.settings ARGUMENTS` checks them without a JVM.

It prints the directory of the logs, where the JVM's belongs too.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from telco_churn.errors import exit_with
from telco_churn.settings.resolve import read_settings


def check(arguments: Sequence[str]) -> None:
    """Raises SettingsError when they do not fit."""
    sys.stdout.write(f"{read_settings(arguments, os.environ).log.log_dir.absolute()}\n")


if __name__ == "__main__":
    exit_with("churn_stream", check, sys.argv[1:])
