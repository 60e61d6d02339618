"""What runs beside the query must not slow it down: the log, and a Pushgateway that hangs.

    python bench/beside_query.py [THOUSANDS_OF_RECORDS] [ROUNDS]

The same job with other options, in turn, each from a cold start, Kafka to Kafka.
"""

from __future__ import annotations

import socket
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contestants import MASTER, the_job
from drain import measure, preload
from table import print_machine, print_table

from sandbox.kafka.broker import KafkaBroker
from sandbox.ports import LOOPBACK

BAD_RATIO = 0.01


def main(thousands: int, rounds: int) -> None:
    """Prints one line for each set of options."""
    count = thousands * 1000
    with (
        tempfile.TemporaryDirectory() as scratch,
        _black_hole() as gateway,
        KafkaBroker(Path(scratch) / "kafka") as broker,
    ):
        variants = {
            "no lines about records": ("--log-level", "ERROR"),
            "INFO": ("--log-level", "INFO"),
            "a Pushgateway that hangs": ("--log-level", "ERROR", "--pushgateway", gateway),
        }
        preload(broker.bootstrap_servers, count, BAD_RATIO)
        seconds: dict[str, list[float]] = {name: [] for name in variants}
        for number in range(rounds):
            for place, (name, options) in enumerate(variants.items()):
                directory = Path(scratch) / f"run-{number}-{place}"
                # Several batches, so that there is something to push in the middle.
                job = the_job(*options, "--max-offsets-per-trigger", str(count // 10))
                result = measure(job, broker.bootstrap_servers, directory, count)
                seconds[name].append(result.query_seconds)
                sys.stderr.write(f"{name}: {result.query_seconds:.1f} s\n")
    print(f"{count:,} records, {BAD_RATIO:.0%} broken, {rounds} rounds; Spark at {MASTER}")
    print_machine()
    base = statistics.median(seconds["no lines about records"])
    rows = [
        (
            name,
            f"{count / statistics.median(times):,.0f}",
            f"{base / statistics.median(times):.2f}",
            f"{min(times):.1f} to {max(times):.1f}",
        )
        for name, times in seconds.items()
    ]
    print_table(("beside the query", "records/s", "ratio", "seconds"), rows)


@contextmanager
def _black_hole() -> Iterator[str]:
    """Address of a server that takes connections and never answers."""
    # With a short queue it would refuse connections, which is not to hang.
    with socket.create_server((LOOPBACK, 0), backlog=128) as server:
        yield f"http://{LOOPBACK}:{server.getsockname()[1]}"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ["100", "3"]))
