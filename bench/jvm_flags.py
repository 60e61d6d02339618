"""What the flags of the job's JVM are worth: a drain from cold under each set, one after another.

    python bench/jvm_flags.py [--records N]

Under the class archive, which is the same for all of them; passthrough under the first set and the
last.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from contestants import Contestant, make_class_archives, passthrough, the_job
from drain import preload
from figures import arguments, tell
from throughput import compared, race

from launcher.tuning import LATE_C2
from sandbox.kafka.broker import KafkaBroker

# Java's own thresholds, to undo the launcher's.
EARLY_C2 = (
    "-XX:Tier4InvocationThreshold=5000",
    "-XX:Tier4MinInvocationThreshold=600",
    "-XX:Tier4CompileThreshold=15000",
    "-XX:Tier4BackEdgeThreshold=40000",
)
SETS = {
    "G1": (*EARLY_C2, "-XX:+UseG1GC"),
    "Serial": (*EARLY_C2, "-XX:+UseSerialGC"),
    "G1, late C2": (*LATE_C2, "-XX:+UseG1GC"),
    "Parallel, late C2": (*LATE_C2, "-XX:+UseParallelGC"),
    "Serial, late C2": (*LATE_C2, "-XX:+UseSerialGC"),
}


def contestants() -> list[Contestant]:
    """The job under each set of flags, and passthrough under two of them."""
    entered = []
    for name, flags in SETS.items():
        job, copy = (make("--trigger", "once", flags=flags) for make in (the_job, passthrough))
        if name in (next(iter(SETS)), next(reversed(SETS))):
            entered.append(replace(copy, name=f"passthrough, {name}"))
        entered.append(replace(job, name=f"the job, {name}"))
    return entered


def main() -> None:
    """Runs the benchmark, from command-line arguments."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--records", type=int, default=300_000)
    options = parser.parse_args()
    make_class_archives()
    with tempfile.TemporaryDirectory(prefix="jvm-flags-") as directory:
        scratch = Path(directory)
        with KafkaBroker(scratch / "kafka") as broker:
            preload(broker.bootstrap_servers, options.records, 0.01)
            results = race(broker.bootstrap_servers, scratch, contestants(), options.records)
    tell(compared(results, options.records), options.figures)


if __name__ == "__main__":
    main()
