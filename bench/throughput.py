"""Records a second from Kafka to Kafka: the job, and what it is to be compared with.

    python bench/throughput.py [--records N] [--bad-ratio R] [--realtime]

Preloads a topic on a Kafka of its own, then lets each contestant work through all of it, one after
another, each from a cold start. Those that do the same work must come to the same outcomes. The
first one is what ratios are to. "Late" is the second half of the records, when a JVM has compiled
most of what it runs; the whole begins when the first batch is planned. `--realtime` compares
real-time mode with micro-batches, on a core's slot for each partition, from the first output on.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from contestants import Contestant, loop, make_class_archives, passthrough, the_job
from drain import PARTITIONS, Probabilities, Result, measure, preload
from figures import Table, arguments, tell
from weights import prepare_weights

from sandbox.kafka.broker import KafkaBroker

LARGEST_DIFFERENCE = 1e-9
"""Between the probabilities that two scorers give one customer."""


def require_same_outcomes(name: str, found: Probabilities, expected: Probabilities) -> None:
    """Raises RuntimeError where a contestant comes to another outcome than the job."""
    for place, probability in expected.items():
        if abs(found[place] - probability) > LARGEST_DIFFERENCE:
            raise RuntimeError(f"{name}: {place} gives {found[place]}, the job gives {probability}")


def compared(results: Mapping[str, Result], count: int) -> list[Table]:
    """Rates and processor time, beside those of the first one; then processor time by cause."""
    base = next(iter(results.values()))
    causes = dict.fromkeys(cause for result in results.values() for cause in result.query_cpu)
    micro = 1_000_000 / count
    rates = Table(
        f"{count:,} records",
        {
            **{"records/s": ",.0f", "ratio": ".2f", "late records/s": ",.0f", "late ratio": ".2f"},
            **{"core-µs a record": ".0f", "CPU ratio": ".2f"},
            **{"late core-µs": ".0f", "late CPU ratio": ".2f"},
            **{"first output, s": ".1f", "core-s until then": ".1f"},
        },
        {
            name: (
                *(count / one.query_seconds, base.query_seconds / one.query_seconds),
                *(count / 2 / one.late_seconds, base.late_seconds / one.late_seconds),
                *(micro * (cpu := sum(one.query_cpu.values())), cpu / sum(base.query_cpu.values())),
                *(2 * micro * one.late_cpu, one.late_cpu / base.late_cpu),
                *(one.start_seconds, one.start_cpu),
            )
            for name, one in results.items()
        },
    )
    by_cause = Table(
        "core-µs a record, by cause",
        dict.fromkeys(causes, ".0f"),
        {
            name: [micro * one.query_cpu.get(cause, 0.0) for cause in causes]
            for name, one in results.items()
        },
    )
    return [rates, by_cause]


def contestants(weights: Path) -> Sequence[Contestant]:
    """Those of the usual run."""
    once = ("--trigger", "once")
    return (
        passthrough(*once, is_plain=True),
        passthrough(*once),
        the_job(*once),
        loop(weights, "sklearn"),
        loop(weights, "dictionary", processes=2),
    )


def in_realtime() -> Sequence[Contestant]:
    """Micro-batches and real-time mode, which needs a slot for each partition.

    None tells its beginning, because not all of them can.
    """
    return tuple(
        replace(make(*options, slots=PARTITIONS), name=f"{name}, {mode}", tells_begin=False)
        for options, mode in (
            (("--trigger", "once"), "once"),
            (("--trigger", "realtime"), "real time"),
        )
        for name, make in (("passthrough", passthrough), ("the job", the_job))
    )


def race(
    broker: str, scratch: Path, entered: Sequence[Contestant], count: int
) -> Mapping[str, Result]:
    """Results by name, in the order of the contestants; see `measure` for what is raised."""
    results: dict[str, Result] = {}
    expected: Probabilities | None = None
    for number, contestant in enumerate(entered):
        result = measure(contestant, broker, scratch / f"contestant-{number}", count)
        sys.stderr.write(f"{contestant.name}: {result.query_seconds:.1f} s\n")
        if contestant.is_scoring:
            expected = expected or result.written.probabilities
            require_same_outcomes(contestant.name, result.written.probabilities, expected)
        # A million of them for each contestant would be a lot of memory.
        results[contestant.name] = replace(
            result, written=replace(result.written, probabilities={})
        )
    return results


def main() -> None:
    """Runs the benchmark, from command-line arguments."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--bad-ratio", type=float, default=0.01)
    parser.add_argument("--realtime", action="store_true")
    options = parser.parse_args()
    make_class_archives()
    with tempfile.TemporaryDirectory(prefix="throughput-") as directory:
        scratch = Path(directory)
        weights = scratch / "weights.json"
        if not options.realtime:
            prepare_weights(weights)
        entered = in_realtime() if options.realtime else contestants(weights)
        with KafkaBroker(scratch / "kafka") as broker:
            preload(broker.bootstrap_servers, options.records, options.bad_ratio)
            results = race(broker.bootstrap_servers, scratch, entered, options.records)
    tell(compared(results, options.records), options.figures)


if __name__ == "__main__":
    main()
