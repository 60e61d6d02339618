"""Runs the benchmarks, keeps their figures, and puts them on the page about performance.

    python bench/report.py [--quick] [--only NAME …]

What a benchmark finds is kept in bench/figures/, and docs/performance.md shows what is kept, with
plots: so parts can be run on their own. `--only` with no name runs none and writes the page again.
The part start-up runs only when it is named: with another commit to compare with it says more.
`--quick` is for a look, with few records; it leaves all that alone and writes below `build/`.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contestants import HOME, require_scikit_learn
from figures import Figures
from plots import PLOTS

BENCH = HOME / "bench"
PAGE = HOME / "docs" / "performance.md"
START_UP = "start-up"


@dataclass(frozen=True)
class Part:
    """A run of a benchmark: its command line, for a report and for a look."""

    command: str
    quick: str

    def run(self, file: Path, *, is_quick: bool) -> None:
        """Runs it and keeps its figures; raises `CalledProcessError` if it fails."""
        script, *words = (self.quick if is_quick else self.command).split()
        program = [sys.executable, str(BENCH / script), *words, "--figures", str(file)]
        subprocess.run(program, check=True)


PARTS = {
    "throughput": Part("throughput.py", "throughput.py --records 20000"),
    "backlog": Part("throughput.py --records 1000000", "throughput.py --records 50000"),
    "drain": Part("throughput.py --realtime", "throughput.py --realtime --records 20000"),
    "latency": Part(
        "latency.py --minutes 1 --warm-seconds 5",
        "latency.py --minutes 0.1 --warm-seconds 2 --rates 300",
    ),
    "after-kill": Part("after_kill.py", "after_kill.py --rate 200 --triggers 2s realtime=5s"),
    "steps": Part("plan_cost.py --rounds 3", "plan_cost.py --rounds 1"),
    "broken": Part("broken.py", "broken.py --rounds 1"),
    "small-batches": Part(
        "small_batches.py --rounds 3 --seconds 12", "small_batches.py --rounds 1 --seconds 8"
    ),
    "telemetry": Part("telemetry_cost.py", "telemetry_cost.py --copies 2 --rounds 1"),
    "models": Part(
        "model_drain.py --records 100000 --customers 5000",
        "model_drain.py --records 20000 --customers 2000",
    ),
    "trees": Part("tree_scores.py", "tree_scores.py --rounds 1 --customers 3000"),
    START_UP: Part("startup.py", "startup.py --rounds 1"),
}


@dataclass(frozen=True)
class Report:
    """Where a report is kept: figures as JSON, and a page with a folder of plots beside it."""

    figures: Path
    page: Path

    def run(self, names: Sequence[str], *, is_quick: bool) -> list[str]:
        """Runs parts, one after another, and keeps their figures; returns those that failed."""
        self.figures.mkdir(parents=True, exist_ok=True)
        failed = []
        for name in names:
            begun = time.monotonic()
            sys.stderr.write(f"== {name}\n")
            try:
                PARTS[name].run(self.figures / f"{name}.json", is_quick=is_quick)
            except subprocess.CalledProcessError as error:
                sys.stderr.write(f"{error}\n")
                failed.append(name)
            sys.stderr.write(f"== {name}: {time.monotonic() - begun:.0f} s\n")
        return failed

    def write(self, text: str) -> None:
        """Writes `text` as the page, with the figures that are kept in their places."""
        for name in PARTS:
            file = self.figures / f"{name}.json"
            if file.exists():
                text = with_part(text, name, self._shown(name, Figures.read(file)))
        self.page.write_text(text, "utf-8")

    def _shown(self, name: str, figures: Figures) -> str:
        folder = self.page.with_suffix("")
        folder.mkdir(exist_ok=True)
        draw = PLOTS.get(name)
        images = []
        for end, chart in (draw(figures) if draw else {}).items():
            file = folder / f"{name}-{end}.svg"
            file.write_text(chart.svg(), "utf-8")
            images.append(f"\n![{chart.title}]({folder.name}/{file.name})\n")
        return figures.markdown() + "".join(images)


def with_part(page: str, name: str, text: str) -> str:
    """The page with `text` between the marks of a part.

    Raises:
        SystemExit: the page has no such marks.
    """
    begin, end = f"<!-- {name}: made by `python bench/report.py` -->\n", f"<!-- /{name} -->\n"
    pattern = f"{re.escape(begin)}.*{re.escape(end)}"
    new, count = re.subn(pattern, lambda _: begin + text + end, page, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{PAGE.name} has no place for {name}: put {begin}{end}where it belongs")
    return new


def main() -> None:
    """Runs what is asked for and writes the page, from command-line arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    usual = [name for name in PARTS if name != START_UP]
    parser.add_argument("--only", nargs="*", metavar="NAME", choices=PARTS, default=usual)
    options = parser.parse_args()
    require_scikit_learn()
    page = PAGE.read_text("utf-8")
    build = HOME / "build"
    report = (
        Report(build / "figures", build / PAGE.name)
        if options.quick
        else Report(BENCH / "figures", PAGE)
    )
    failed = report.run(options.only, is_quick=options.quick)
    report.write(page)
    if failed:
        raise SystemExit(f"failed, so that their older figures are shown: {', '.join(failed)}")


if __name__ == "__main__":
    main()
