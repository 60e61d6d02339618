"""The programs that `pip install` puts on the path: the README's commands by other names.

Each imports what it needs when it is called: none needs what the others do.
"""

from __future__ import annotations

import sys

from telco_churn.errors import exit_with_main_of


def churn_stream() -> None:
    """`./spark-submit.sh`, without its part that makes an environment."""
    from launcher.before.watched import main

    main()


def produce() -> None:
    """`jobs/produce_customers.py`."""
    exit_with_main_of("churn_tools.producer.command", "churn-stream-produce", sys.argv[1:])


def replay() -> None:
    """`jobs/replay_dead_letters.py`."""
    exit_with_main_of("churn_tools.replay.command", "churn-stream-replay", sys.argv[1:])


def train() -> None:
    """`jobs/train_model.py`."""
    exit_with_main_of("churn_tools.training.command", "churn-stream-train", sys.argv[1:])


def model() -> None:
    """`jobs/model.py`."""
    exit_with_main_of("churn_tools.models.command", "churn-stream-model", sys.argv[1:])


def measure() -> None:
    """`jobs/measure_accuracy.py`."""
    exit_with_main_of("churn_tools.labels.command", "churn-stream-measure", sys.argv[1:])


def verify() -> None:
    """`python -m churn_tools.verify`."""
    exit_with_main_of("churn_tools.verify.command", "churn-stream-verify", sys.argv[1:])


def skip_record() -> None:
    """`python -m churn_tools.skip_record`."""
    exit_with_main_of("churn_tools.skip_record", "churn-stream-skip-record", sys.argv[1:])
