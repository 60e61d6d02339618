"""What broken records cost: the plan on records of which a share breaks the contract, by turns.

    python bench/broken.py [--copies N] [--rounds N]

One core, records in memory, no Kafka; processor time of the tasks alone.
"""

from __future__ import annotations

from figures import Table, arguments, beside_first, tell
from in_memory import DISTINCT_RECORDS, cached_records
from plan_cost import shipped_pipeline, start_session
from rounds import Rounds, Variant

SHARES = (0.0, 0.01, 0.1, 0.5)


def main() -> None:
    """Runs the benchmark, from command-line arguments."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--copies", type=int, default=1, help=f"of {DISTINCT_RECORDS:,} records")
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()
    spark = start_session()
    transform = shipped_pipeline().transform
    variants = [
        Variant(f"{share:.0%}", cached_records(spark, share, options.copies).transform(transform))
        for share in SHARES
    ]
    rounds = Rounds(spark, options.copies * DISTINCT_RECORDS)
    cost = rounds.microseconds_a_row(variants, options.rounds)
    columns = {"core-µs a record": ".1f", "ratio": ".2f"}
    tell([Table("broken", columns, beside_first(cost))], options.figures)


if __name__ == "__main__":
    main()
