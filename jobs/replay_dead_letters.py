"""Sends dead letters in again; `--help` lists the options."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("telco_churn") is None:  # run from a checkout that is not installed
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from churn_tools.replay.command import main
from telco_churn.errors import exit_with

if __name__ == "__main__":
    exit_with("replay_dead_letters", main, sys.argv[1:])
