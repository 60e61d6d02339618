"""The command behind `./monitoring.sh`."""

from __future__ import annotations

import sys

from sandbox.monitoring.command import main

sys.exit(main(sys.argv[1:]))
