"""What the job's JVM is told of its compiler and its collector, unless its user says otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterable

# The second compiler (C2) begins four times later than by Java's defaults, which are 5,000, 600,
# 15,000 and 40,000: a drain of 200,000 records from cold took two thirds of the processor time
# (bench/jvm_flags.py), as much of what is compiled early runs a few thousand times only.
LATE_C2 = (
    "-XX:Tier4InvocationThreshold=20000",
    "-XX:Tier4MinInvocationThreshold=2400",
    "-XX:Tier4CompileThreshold=60000",
    "-XX:Tier4BackEdgeThreshold=160000",
)
# A heap of one or two GB is collected soonest by the thread that fills it.
COLLECTOR = "-XX:+UseSerialGC"
_ANY_COLLECTOR = re.compile(r"-XX:\+Use\w*GC")


def tuned(given: Iterable[str]) -> list[str]:
    """Flags to put before those that are given, which count where they say otherwise.

    Args:
        given: the flags of the user, wherever they are written.
    """
    # Two collectors are one too many: the JVM does not start.
    has_collector = any(_ANY_COLLECTOR.match(flag) for flag in given)
    return [*LATE_C2, *([] if has_collector else [COLLECTOR])]
