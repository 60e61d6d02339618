"""Writes the dashboards as JSON beside this file: `python -m dashboards`."""

from __future__ import annotations

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.latency import latency
from dashboards.overview import overview
from dashboards.quality import quality
from dashboards.spark import spark

BOARDS = {"overview": overview, "latency": latency, "quality": quality, "spark": spark}
"""Name of the file without `.json`, and what makes the dashboard."""


def as_json(name: str) -> str:
    """The dashboard as Grafana imports it."""
    return JSONEncoder(sort_keys=True, indent=2).encode(BOARDS[name]()) + "\n"


def write(directory: Path) -> None:
    """Writes all dashboards into a directory."""
    for name in BOARDS:
        (directory / f"{name}.json").write_text(as_json(name), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).resolve().parent)
