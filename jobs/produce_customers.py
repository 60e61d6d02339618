"""Publishes customer events to a Kafka topic; `--help` lists the options."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

if __name__ == "__main__":
    if find_spec("telco_churn") is None:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

    from telco_churn.errors import exit_with
    from telco_churn.producer import main

    exit_with("produce_customers", main, sys.argv[1:])
