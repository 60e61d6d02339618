"""`python -m churn_tools.verify`."""

from __future__ import annotations

import sys

from telco_churn.errors import exit_with_main_of

exit_with_main_of("churn_tools.verify.command", "verify", sys.argv[1:])
