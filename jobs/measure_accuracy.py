"""Tells how right the predictions were, by labels that come later; `--help` lists the options."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

if find_spec("telco_churn") is None:  # not installed: this is a checkout
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from telco_churn.errors import exit_with_main_of

if __name__ == "__main__":
    exit_with_main_of("churn_tools.labels.command", "measure_accuracy", sys.argv[1:])
