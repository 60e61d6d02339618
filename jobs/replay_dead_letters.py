"""Sends dead letters in again; `--help` lists the options."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("telco_churn") is None:  # run from a checkout that is not installed
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from telco_churn.errors import exit_with_main_of

if __name__ == "__main__":
    exit_with_main_of("churn_tools.replay.command", "replay_dead_letters", sys.argv[1:])
