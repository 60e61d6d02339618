"""All files that are made from code, by their path in the project."""

from __future__ import annotations

from collections.abc import Callable

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from dashboards.boards.drift import drift
from dashboards.boards.engine import engine
from dashboards.boards.entries import runbook
from dashboards.boards.latency import latency
from dashboards.boards.overview import overview
from dashboards.boards.quality import quality
from dashboards.boards.runs import runs
from dashboards.rules.examples import alertmanager_file, prometheus_file
from dashboards.rules.rule_files import alerts_file, recording_file
from dashboards.rules.runbook import runbook_file
from dashboards.site import Site

BOARDS: dict[str, Callable[[Site], dashboard.Dashboard]] = {
    "grafana_dashboard": overview,
    "latency": latency,
    "quality": quality,
    "drift": drift,
    "engine": engine,
    "runs": runs,
    "runbook": runbook,
}
"""Name of a dashboard's file without `.json`, and what makes it; the guide names the first."""

_TEXTS: dict[str, Callable[[Site], str]] = {
    "conf/prometheus/alerts.yml": alerts_file,
    "conf/prometheus/recording.yml": recording_file,
    "conf/prometheus/prometheus.yml": prometheus_file,
    "conf/alertmanager/alertmanager.yml": alertmanager_file,
    "docs/runbook.md": runbook_file,
}


def as_json(name: str, site: Site | None = None) -> str:
    """A dashboard as Grafana imports it."""
    made = BOARDS[name](site or Site())
    return JSONEncoder(sort_keys=True, indent=2).encode(made) + "\n"


def written(site: Site) -> dict[str, str]:
    """The text of each file, by its path."""
    texts = {path: make(site) for path, make in _TEXTS.items()}
    return texts | {f"dashboards/{name}.json": as_json(name, site) for name in BOARDS}
