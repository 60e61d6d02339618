"""Asks promtool what the rules make of made-up samples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from monitoring.made.job import Scraped, Value
from monitoring.rule_files import PROMETHEUS, run

Labels = frozenset[tuple[str, str]]
"""Who an alert is about; what it says is left out."""
IDENTITY = ("alertname", "job", "instance", "environment")


def firing(name: str, **labels: str) -> Labels:
    return frozenset({"alertname": name, **labels}.items())


def assert_fires(
    directory: Path,
    scraped: Scraped,
    expected: Mapping[float, Iterable[Labels]],
    rules: Iterable[str] = ("alerts.yml",),
) -> None:
    """At each of these seconds exactly these alerts fire."""
    tests = [
        {
            "expr": f"group by ({', '.join(IDENTITY)}) (ALERTS{{alertstate='firing'}})",
            "eval_time": f"{round(second)}s",
            "exp_samples": [
                {"labels": _selector(dict(labels)), "value": 1}
                for labels in sorted(alerts, key=sorted)
            ],
        }
        for second, alerts in expected.items()
    ]
    try:
        check(directory, scraped, {"promql_expr_test": tests}, rules)
    except AssertionError as error:
        raise AssertionError(_difference(str(error))) from None


def _difference(said: str) -> str:
    """What promtool missed and what it had not expected, instead of all that there is."""
    parts = re.findall(
        r"time: (\w+),\s+exp: (.*?)\s+got: (.*?)(?=\n\s*\n|\n\s+expr|\Z)", said, re.DOTALL
    )
    told = []
    for time, *lists in parts:
        exp, got = (set(re.findall(r"\{[^}]*\}", one)) for one in lists)
        told += [f"{time} missing {one}" for one in exp - got]
        told += [f"{time} not expected {one}" for one in got - exp]
    return "\n".join(told) or said


def check(
    directory: Path,
    scraped: Scraped,
    expectations: Mapping[str, Any],
    rules: Iterable[str] = ("alerts.yml",),
) -> None:
    """Runs a unit test of promtool's own kind."""
    document = {
        "rule_files": [str(PROMETHEUS / name) for name in rules],
        "evaluation_interval": f"{min(scraped.interval, 60)}s",
        "tests": [
            {
                "interval": f"{scraped.interval}s",
                "input_series": [
                    {"series": name, "values": " ".join(map(_text, values))}
                    for name, values in scraped.samples.items()
                ],
                **expectations,
            }
        ],
    }
    path = directory / "test.yml"
    path.write_text(yaml.dump(document, sort_keys=False, width=1e9), encoding="utf-8")
    run("promtool", "test", "rules", path)


def _text(value: Value) -> str:
    return "_" if value is None else value if isinstance(value, str) else f"{value:.10g}"


def _selector(labels: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
