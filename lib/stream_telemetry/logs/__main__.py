"""`python -m stream_telemetry.logs`: reads the JSON logs."""

from __future__ import annotations

import sys

from stream_telemetry.logs.reading.command import main

sys.exit(main(sys.argv[1:]))
