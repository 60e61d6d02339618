"""What a model costs the job: a drain from cold with each kind that `train_model.py` fits.

    python bench/model_drain.py [--records N] [--customers N]

The shipped kind, a logistic regression, comes first: ratios are to it. What a score alone costs is
measured by tree_scores.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from contestants import HOME, make_class_archives, the_job
from drain import measure, preload
from figures import arguments, tell
from throughput import compared

from churn_tools.training.classifiers import CLASSIFIERS
from sandbox.kafka.broker import KafkaBroker


def train(classifier: str, customers: int, target: Path) -> None:
    """Fits a model by the command itself."""
    command = [
        *(sys.executable, str(HOME / "jobs" / "train_model.py"), "--classifier", classifier),
        *("--synthetic", str(customers), "--out", str(target)),
    ]
    environment = {**os.environ, "PYTHONPATH": str(HOME / "lib")}
    told = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    sys.stderr.write("".join(line + "\n" for line in told.stdout.splitlines()[1:4]))


def main() -> None:
    """Runs the benchmark, from command-line arguments."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--customers", type=int, default=20_000)
    options = parser.parse_args()
    make_class_archives()
    results = {}
    with tempfile.TemporaryDirectory(prefix="model-drain-") as directory:
        scratch = Path(directory)
        for classifier in CLASSIFIERS:
            train(classifier, options.customers, scratch / classifier)
        with KafkaBroker(scratch / "kafka") as broker:
            servers = broker.bootstrap_servers
            preload(servers, options.records, 0.01)
            for classifier in CLASSIFIERS:
                model = ("--model-path", str(scratch / classifier))
                job = replace(the_job("--trigger", "once", *model), name=f"the job, {classifier}")
                place = scratch / f"job-{classifier}"
                results[job.name] = measure(job, servers, place, options.records)
    tell(compared(results, options.records), options.figures)


if __name__ == "__main__":
    main()
