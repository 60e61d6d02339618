"""What a person sees on the overview: the panels' own queries, asked of a real Prometheus.

Its past is made up: a job that is well, one that is overloaded, one that has died ten minutes ago,
and one that was never started.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from binaries import binary, prometheus
from dashboards.alerts.life import LOADED
from dashboards.written import BOARDS, as_json
from monitoring.made.faults import of_partition
from monitoring.made.job import HEALTHY, Scraped, ages, scraped, state, steady, teeth

pytestmark = pytest.mark.needs("prometheus", "promtool")

MINUTES = 30
INTERVAL = 15
JOBS = ("well", "overloaded", "dead", "never")
WELL = {
    **HEALTHY,
    **{
        f"stream_{name}_errors_total": steady(0)
        for name in ("listener", "broker_poll", "commit", "push", "otlp", "worker")
    },
    "stream_otlp_dropped_total": steady(0),
    "stream_busy_ratio": steady(0.3),
}
OVERLOADED = {
    **WELL,
    **of_partition("kafka_consumer_lag", teeth(61, 100, 20, 2000)),
    **of_partition("stream_lag_seconds", teeth(61, 1, 0.2, 40)),
    **ages(0.05),
    **state("lagging"),
    "stream_busy_ratio": steady(1),
}
CHOICES = {"$environment": ".*", "$instance": ".*", "$topic": ".*", "$__rate_interval": "1m"}


def made() -> Scraped:
    """The past of three jobs, and the alerts that fire for two of them."""
    seen = scraped(WELL, MINUTES, interval=INTERVAL, job="well")
    seen |= scraped(OVERLOADED, MINUTES, interval=INTERVAL, job="overloaded")
    dead = scraped(WELL, MINUTES, interval=INTERVAL, job="dead").dead((MINUTES - 10) * 60)
    length = MINUTES * 60 // INTERVAL + 1
    alerts = {
        f"{LOADED}{{}}": 1.0,
        'ALERTS{job="overloaded",alertname="LagNotDraining",alertstate="firing",'
        'severity="warning"}': 1.0,
        'ALERTS{job="dead",alertname="JobDown",alertstate="firing",severity="critical"}': 1.0,
    }
    return seen | dead | Scraped(INTERVAL, {name: [one] * length for name, one in alerts.items()})


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("prometheus")
    end = time.time()
    lines = [
        f"{name} {value:g} {end - MINUTES * 60 + number * INTERVAL:.3f}"
        for name, values in made().samples.items()
        for number, value in enumerate(values)
        if isinstance(value, float | int)
    ]
    (directory / "past.txt").write_text("\n".join([*lines, "# EOF", ""]), encoding="utf-8")
    command = [binary("promtool"), "tsdb", "create-blocks-from", "openmetrics"]
    command += [str(directory / "past.txt"), str(directory / "tsdb")]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    with prometheus(directory) as running:
        yield running


def ask(url: str, expression: str, job: str) -> list[Any]:
    for variable, value in {**CHOICES, "$__range": "30m", "$job": job}.items():
        expression = expression.replace(variable, value)
    with urlopen(f"{url}/api/v1/query?query={quote(expression)}", timeout=30) as answer:
        return list(json.load(answer)["data"]["result"])


def panels(*kinds: str) -> Iterator[dict[str, Any]]:
    for panel in json.loads(as_json("grafana_dashboard"))["panels"]:
        if panel["type"] in kinds:
            yield panel


def colour(panel: Mapping[str, Any], name: str, value: float) -> str:
    """The colour in which Grafana shows a value: of the series, of its word, of its threshold."""
    defaults = panel["fieldConfig"]["defaults"]
    steps = defaults["thresholds"]["steps"]
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] == name:
            for found in override["properties"]:
                if found["id"] == "color":
                    return str(found["value"]["fixedColor"])
                steps = found["value"]["steps"]
    for mapping in defaults["mappings"]:
        if word := mapping["options"].get(f"{value:g}"):
            return str(word["color"])
    return str([s["color"] for s in steps if s["value"] is None or value >= s["value"]][-1])


def seen(url: str, panel: Mapping[str, Any], job: str) -> set[str]:
    """The colours of a panel; each query must have an answer."""
    colours = set()
    for target in panel["targets"]:
        for series in ask(url, target["expr"], job):
            legend = target["legendFormat"]
            name = series["metric"].get("state", legend) if legend == "{{state}}" else legend
            colours.add(colour(panel, name, float(series["value"][1])))
    assert colours, panel["title"]
    return colours


SEEN = {
    # Title: of a job that is well, overloaded, dead, and one that was never started.
    "State": ({"green"}, {"orange"}, {"red"}, {"red"}),
    "Alerts Firing": ({"green"}, {"green", "orange"}, {"green", "red"}, {"green"}),
    "Oldest Waiting": ({"green"}, {"red"}, {"red"}, {"red"}),
    "Unaccounted For": ({"green"}, {"green"}, {"red"}, {"red"}),
    "Success Rate (%)": ({"green"}, {"green"}, {"red"}, {"red"}),
    "Consumer Health": ({"green"}, {"green"}, {"red"}, {"red"}),
    "Since Progress": ({"green"}, {"green"}, {"red"}, {"red"}),
    "Busy": ({"green"}, {"orange"}, {"red"}, {"red"}),
    "Late Records": ({"green"}, {"orange"}, {"red"}, {"red"}),
    "Lag": ({"green"}, {"orange"}, {"red"}, {"red"}),
    "Restarts": ({"green"}, {"green"}, {"red", "green"}, {"red"}),
    "Telemetry Errors": ({"green"}, {"green"}, {"red", "green"}, {"red"}),
}


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("title", SEEN)
def test_a_number_shows_how_it_is(url: str, title: str, job: str) -> None:
    (panel,) = (panel for panel in panels("stat") if panel["title"] == title)
    assert seen(url, panel, job) <= SEEN[title][JOBS.index(job)]


def test_every_number_has_its_expectation() -> None:
    assert {panel["title"] for panel in panels("stat")} == SEEN.keys()


def test_a_dead_replica_is_a_line_of_the_table(url: str) -> None:
    (panel,) = (panel for panel in panels("table") if panel["title"] == "Replicas")
    for job, expected in zip(JOBS, ("running", "lagging", "no answer", None), strict=True):
        found = ask(url, panel["targets"][0]["expr"], job)
        assert [one["metric"]["state"] for one in found] == ([expected] if expected else [])


@pytest.mark.parametrize("name", [name for name in BOARDS if name != "runbook"])
def test_no_query_fails_in_any_situation(url: str, name: str) -> None:
    for panel in json.loads(as_json(name))["panels"]:
        for target in panel.get("targets", ()):
            for job in JOBS:
                ask(url, target["expr"], job)
