"""Sends dead letters in again, and is killed where a transaction is written but not committed.

Its first word is the number of that transaction, the others are the command's own.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from confluent_kafka import Producer

from churn_tools.replay import command, transactions

DEADLY = int(sys.argv[1])
commits = 0


class MortalProducer(Producer):
    """A producer whose process does not live to see one of its commits."""

    def commit_transaction(self, *args: Any, **kwargs: Any) -> Any:
        """Commits, or has everything written and dies."""
        global commits
        commits += 1
        if commits == DEADLY:
            assert self.flush(30) == 0
            os.kill(os.getpid(), signal.SIGKILL)
        return super().commit_transaction(*args, **kwargs)


vars(transactions)["Producer"] = MortalProducer
command.main(sys.argv[2:])
