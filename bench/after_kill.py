"""What a kill repeats, and how long nobody answers: by trigger, at a steady rate.

    python bench/after_kill.py [--rate N] [--triggers T …]

The job is killed when four fifths of a batch have passed since the last commit, or of the time
between two batches, and started again at once. Each event has to be answered in the end. The pause
is the time from the last answer before the kill to the first one after it; most of it is the new
start.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from contestants import make_class_archives, the_job
from drain import PARTITIONS
from figures import Table, arguments, tell
from latency import START_SECONDS, Trial, trial
from outputs import wait_until

from telco_churn.settings.trigger import parse_trigger

TRIGGERS = ("5 seconds", "realtime=5 seconds", "realtime=1 minute")
SHARE_OF_BATCH = 0.8


def killed_once(trigger: str, rate: int, scratch: Path) -> tuple[float, ...]:
    """What a kill does: the figures of a row.

    Raises:
        RuntimeError: an event has no answer.
    """
    seconds = parse_trigger(trigger).seconds
    with trial(the_job("--trigger", trigger, slots=PARTITIONS), scratch) as running:
        first = running.begin(seconds=1)
        # Long enough for the rest of a batch, and another one.
        duration = 2 * seconds + 10
        sending = running.send(rate, duration)
        committed = wait_for_commit(running, 2 * seconds + START_SECONDS)
        time.sleep(SHARE_OF_BATCH * seconds)
        running.child.kill()
        killed = time.time()
        running.start()
        sending.join()
        running.wait_for(events := first + round(rate * duration), START_SECONDS)
        seen = list(running.watch.seen)
    times = [answered for _, answered in seen]
    pause = min(t for t in times if t > killed) - max(t for t in times if t <= killed)
    since_commit = sum(committed < t <= killed for t in times)
    return killed - committed, since_commit, len(seen) - events, pause


def wait_for_commit(running: Trial, limit_seconds: float) -> float:
    """When the next batch has ended; see `wait_until` for what is raised."""
    commits = running.directory / "checkpoint" / "commits"
    before = set(commits.glob("[0-9]*"))
    wait_until(lambda: set(commits.glob("[0-9]*")) > before, running.child, limit_seconds)
    return time.time()


def main() -> None:
    """Runs the benchmark, from command-line arguments."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--triggers", nargs="+", default=TRIGGERS, metavar="T")
    options = parser.parse_args()
    make_class_archives()
    rows = {}
    for trigger in options.triggers:
        with tempfile.TemporaryDirectory(prefix="after-kill-") as directory:
            rows[trigger] = killed_once(trigger, options.rate, Path(directory))
        sys.stderr.write(f"{trigger}: {rows[trigger]}\n")
    columns = {"killed after, s": ".1f", "answers in that time": ",.0f", "repeated": ",.0f"}
    tell(
        [Table(f"trigger, at {options.rate:,} events/s", {**columns, "pause, s": ".1f"}, rows)],
        options.figures,
    )


if __name__ == "__main__":
    main()
