"""What can go wrong between the command and a running Spark."""

from __future__ import annotations

from telco_churn.errors import ChurnStreamError


class LaunchError(ChurnStreamError):
    """Something is missing on this machine, or cannot be used: one line says what to do."""

    exit_code = 2
