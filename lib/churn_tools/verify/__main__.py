"""`python -m churn_tools.verify`."""

from __future__ import annotations

import sys

from churn_tools.verify.command import main
from telco_churn.errors import exit_with

exit_with("verify", main, sys.argv[1:])
