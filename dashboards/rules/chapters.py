"""All alerts, in the order of the rule file and the runbook."""

from __future__ import annotations

from dashboards.alerts.alert import Group
from dashboards.alerts.guide import guide
from dashboards.alerts.life import life
from dashboards.alerts.model import model
from dashboards.alerts.objectives import objectives
from dashboards.alerts.records import records
from dashboards.alerts.telemetry import runs, telemetry
from dashboards.site import Site


def chapters(site: Site) -> tuple[Group, ...]:
    """The groups of alerts, as this site wants them."""
    return (
        *(guide(site), life(site), records(site), objectives(site)),
        *(model(site), runs(), telemetry()),
    )
