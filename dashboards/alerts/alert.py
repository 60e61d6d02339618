"""An alert, and a group of alerts that answer one question."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert: when it fires, and what a person is told.

    Attributes:
        name: also its heading in the runbook.
        severity: `critical` wakes somebody up, `warning` waits for the morning.
        expression: PromQL; fires for each series that it gives.
        lasting: for how long it must hold; empty for not at all.
        summary: one line, without a full stop.
        description: what was seen, with `$value`; a template of Prometheus.
        entry: what it means and what to do, in Markdown.
    """

    name: str
    severity: Literal["critical", "warning"]
    expression: str
    lasting: str = ""
    summary: str
    description: str
    entry: str

    def rule(self, runbook: str) -> dict[str, Any]:
        """The rule as Prometheus reads it, with a link into the runbook at that address."""
        rule: dict[str, Any] = {"alert": self.name, "expr": dedent(self.expression).strip() + "\n"}
        if self.lasting:
            rule["for"] = self.lasting
        return rule | {
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{runbook}#{self.name.lower()}",
            },
        }


@dataclass(frozen=True, kw_only=True)
class Group:
    """Alerts that are evaluated together, and have one chapter of the runbook.

    Attributes:
        name: of the rule group.
        title: of the chapter.
        introduction: of the chapter, in Markdown.
        alerts: in the order of both.
        interval: from one evaluation to the next; empty for Prometheus' own.
        recorded: series that are recorded first, by name.
    """

    name: str
    title: str
    introduction: str = ""
    alerts: tuple[Alert, ...]
    interval: str = ""
    recorded: tuple[tuple[str, str], ...] = ()
