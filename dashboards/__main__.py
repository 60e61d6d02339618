"""Writes rules, dashboards and runbook: `python -m dashboards --help`."""

from __future__ import annotations

import os
import sys

from dashboards.command import main

sys.exit(main(sys.argv[1:], os.environ))
