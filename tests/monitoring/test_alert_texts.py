"""What a person reads when an alert fires, as Prometheus puts it together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from pathlib import Path

import pytest
from monitoring.made.faults import END, FAULTS
from monitoring.made.job import Scraped
from monitoring.made.promtool import check
from monitoring.rule_files import alerts

pytestmark = pytest.mark.needs("promtool")


def text(template: str, told: Mapping[str, str]) -> str:
    """The template with what it holds put in; whatever is not known stays as it is."""
    for piece, becomes in told.items():
        template = template.replace(f"{{{{ {piece} }}}}", becomes)
    return template


def shown(name: str) -> dict[str, object]:
    fault, rule = FAULTS[name], alerts()[name]
    job = {"job": name.lower(), "environment": "prod"}
    target = {} if fault.is_of_job else {"instance": "a:8000"}
    told = {
        "with $labels.instance }}{{ . }}{{ else }}{{ with $labels.job }}Each target of {{ . "
        "}}{{ else }}A job of this kind{{ end }}{{ end": "a:8000",
        "$labels.instance": "a:8000",
        "$labels.job": name.lower(),
        **fault.told,
    }
    return {
        "exp_labels": {**rule["labels"], **job, **target, **fault.labels},
        "exp_annotations": {
            key: text(template, told) for key, template in rule["annotations"].items()
        },
    }


def explained() -> set[str]:
    """Alerts that also fire for the faults of others, so that more than one is told at once."""
    return {alert for fault in FAULTS.values() for alert in fault.also}


def groups() -> list[list[str]]:
    """The faults, as many together as do not share an alert."""
    alone = [name for name, fault in FAULTS.items() if fault.also or name in explained()]
    return [[name for name in FAULTS if name not in alone], *([name] for name in alone)]


@pytest.mark.parametrize("names", groups(), ids=lambda names: names[0])
def test_an_alert_says_what_it_saw(tmp_path: Path, names: list[str]) -> None:
    seen = reduce(Scraped.__or__, (FAULTS[name].seen(job=name.lower()) for name in names))
    cases = [
        {"alertname": name, "eval_time": f"{END:.0f}s", "exp_alerts": [shown(name)]}
        for name in names
    ]
    check(tmp_path, seen, {"alert_rule_test": cases})
