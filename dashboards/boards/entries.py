"""The runbook as a dashboard, so that panels can link to an entry wherever Grafana is."""

from __future__ import annotations

from textwrap import dedent

from grafana_foundation_sdk.builders import text
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.text import TextMode

from dashboards.alerts.alert import Alert
from dashboards.boards.parts.blocks import Panel
from dashboards.boards.parts.choice import Choice
from dashboards.boards.parts.frame import board
from dashboards.rules.chapters import chapters
from dashboards.site import Site


def runbook(site: Site) -> dashboard.Dashboard:
    """What each alert means, and what to do; the same as docs/runbook.md."""
    return board(
        "runbook",
        "Runbook",
        "What does an alert mean, and what is to be done?",
        "now-1h",
        Choice(()),
        {group.title: [entry_panel(alert) for alert in group.alerts] for group in chapters(site)},
    )


def entry_panel(alert: Alert) -> Panel:
    """The entry of one alert."""
    panel = text.Panel().title(alert.name).description(alert.summary + ".")
    content = f"**{alert.severity}**: {alert.summary}.\n\n{dedent(alert.entry).strip()}\n"
    return panel.mode(TextMode.MARKDOWN).content(content).span(24).height(9)
