"""The programs that `pip install` puts on the path: the README's commands by other names.

Each imports what it needs when it is called: none needs what the others do.
"""

from __future__ import annotations

import sys

from telco_churn.errors import exit_with


def churn_stream() -> None:
    """`./spark-submit.sh`, without its part that makes an environment."""
    from launcher.before.watched import main

    main()


def produce() -> None:
    """`jobs/produce_customers.py`."""
    from churn_tools.producer.command import main

    exit_with("churn-stream-produce", main, sys.argv[1:])


def replay() -> None:
    """`jobs/replay_dead_letters.py`."""
    from churn_tools.replay.command import main

    exit_with("churn-stream-replay", main, sys.argv[1:])


def train() -> None:
    """`jobs/train_model.py`."""
    from churn_tools.training.command import main

    exit_with("churn-stream-train", main, sys.argv[1:])


def model() -> None:
    """`jobs/model.py`."""
    from churn_tools.models.command import main

    exit_with("churn-stream-model", main, sys.argv[1:])


def measure() -> None:
    """`jobs/measure_accuracy.py`."""
    from churn_tools.labels.command import main

    exit_with("churn-stream-measure", main, sys.argv[1:])


def verify() -> None:
    """`python -m churn_tools.verify`."""
    from churn_tools.verify.command import main

    exit_with("churn-stream-verify", main, sys.argv[1:])


def skip_record() -> None:
    """`python -m churn_tools.skip_record`."""
    from churn_tools.skip_record import main

    exit_with("churn-stream-skip-record", main, sys.argv[1:])
