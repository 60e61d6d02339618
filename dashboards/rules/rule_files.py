"""`alerts.yml` and `recording.yml`."""

from __future__ import annotations

from typing import Any

import yaml

from dashboards.alerts.alert import Group
from dashboards.alerts.objectives import bad_share, late_share
from dashboards.rules.chapters import chapters
from dashboards.site import Site

BAD, LATE = "job:bad_records:ratio_rate", "job:late_records:ratio_rate"
"""Names of the recorded shares, without their window."""
WINDOWS = ("1h", "6h", "30d")
"""Windows of the recorded shares; the last one is that of the objectives."""
MADE = "Made by `python -m dashboards`, which writes it for your own names and thresholds too."

_ALERTS = f"""\
# What wakes somebody up (severity critical), and what can wait for the morning (warning).
# It needs no other file. docs/runbook.md says of each what it means and what to do.
# {MADE}
"""
_RECORDING = f"""\
# The shares that the objectives are judged by, for the dashboards; alerts do without.
# {MADE}
"""


def alerts_file(site: Site) -> str:
    """The alert rules."""
    groups = [_group(site, group) for group in chapters(site)]
    return _ALERTS + _yaml({"groups": groups})


def recording_file(site: Site) -> str:
    """The recording rules."""
    shares = ((BAD, bad_share), (LATE, late_share))
    groups = [
        {
            "name": f"churn_stream_shares_{window}",
            # A month of samples need not be read again each time.
            **({"interval": "5m"} if window == WINDOWS[-1] else {}),
            "rules": [
                {"record": f"{name}{window}", "expr": share(site, window)} for name, share in shares
            ],
        }
        for window in WINDOWS
    ]
    return _RECORDING + _yaml({"groups": groups})


def _group(site: Site, group: Group) -> dict[str, Any]:
    recorded = [{"record": name, "expr": expression} for name, expression in group.recorded]
    return {
        "name": group.name,
        **({"interval": group.interval} if group.interval else {}),
        "rules": [*recorded, *(alert.rule(site.names.runbook) for alert in group.alerts)],
    }


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are, long ones folded, and indents lists."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Like its parent's, but a list stands further in than its key."""
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else ">" if len(text) > 80 and "  " not in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _yaml(document: dict[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=96, allow_unicode=True)
