from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from dashboards.alerts.life import LOADED
from dashboards.boards.parts.colours import BY_SERIES, BY_STATE
from dashboards.written import BOARDS
from monitoring.rule_files import HOME, alerts

from stream_telemetry.metrics.catalogue import STATES

GUIDE: dict[str, dict[str, Any]] = {
    "Message Processing Rate (msg/sec)": {
        "type": "timeseries",
        "legend": ["{{status}} - {{topic}}"],
    },
    "Success Rate (%)": {"type": "stat", "unit": "percent"},
    "Average Processing Latency (seconds)": {"type": "timeseries", "unit": "s"},
    "Error Types Distribution": {"type": "piechart", "legend": ["{{error_type}}"]},
    "95th Percentile Latency by Operation": {"type": "timeseries", "legend": ["{{operation}}"]},
    "Consumer Health": {"type": "stat"},
}
VARIABLES = {
    "grafana_dashboard": ["environment", "job", "instance", "topic"],
    "latency": ["environment", "job", "instance", "topic"],
    "quality": ["environment", "job", "instance", "topic"],
    "drift": ["environment", "job", "instance"],
    "runs": ["environment", "job", "instance"],
    "engine": ["environment"],
    "runbook": [],
}
ALL_BUT_TEXT = [name for name in BOARDS if name != "runbook"]
WIDEST_TITLE = 20
"""Characters of a title above a sixth of 1,600 pixels."""


def boards() -> dict[str, dict[str, Any]]:
    return {name: json.loads((HOME / "dashboards" / f"{name}.json").read_text()) for name in BOARDS}


def panels(*kinds: str) -> Iterator[Any]:
    for name, board in boards().items():
        for panel in board["panels"]:
            if panel.get("targets") and panel["type"] in (kinds or (panel["type"],)):
                yield pytest.param(panel, id=f"{name}: {panel['title']}")


def of_overview(title: str) -> dict[str, Any]:
    found = boards()["grafana_dashboard"]["panels"]
    (panel,) = (panel for panel in found if panel["title"] == title)
    return dict(panel)


def colours(panel: dict[str, Any]) -> dict[str, str]:
    """The fixed colours of a panel's series, by name or regular expression."""
    return {
        override["matcher"]["options"]: found["value"]["fixedColor"]
        for override in panel["fieldConfig"]["overrides"]
        for found in override["properties"]
        if found["id"] == "color"
    }


def test_there_is_no_dashboard_without_code() -> None:
    assert {path.stem for path in (HOME / "dashboards").glob("*.json")} == BOARDS.keys()


@pytest.mark.parametrize("title", GUIDE)
def test_a_panel_of_the_guide_is_as_it_says(title: str) -> None:
    panel, expected = of_overview(title), GUIDE[title]
    assert panel["type"] == expected["type"]
    if "unit" in expected:
        assert panel["fieldConfig"]["defaults"]["unit"] == expected["unit"]
    if "legend" in expected:
        assert [target["legendFormat"] for target in panel["targets"]] == expected["legend"]


def test_the_success_rate_has_the_guide_s_thresholds() -> None:
    steps = of_overview("Success Rate (%)")["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [(step["value"], step["color"]) for step in steps] == [
        (None, "red"),
        (95, "yellow"),
        (99, "green"),
    ]


def test_health_is_shown_in_the_guide_s_words() -> None:
    (mapping,) = of_overview("Consumer Health")["fieldConfig"]["defaults"]["mappings"]
    words = {value: (word["text"], word["color"]) for value, word in mapping["options"].items()}
    assert words.items() >= {"0": ("Unhealthy", "red"), "1": ("Healthy", "green")}.items()


@pytest.mark.parametrize("panel", list(panels()))
def test_a_panel_explains_itself_and_asks_for_what_was_chosen(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    if panel["type"] != "heatmap":
        assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["noValue"]
    assert panel["datasource"]["uid"] == "${datasource}"
    for target in panel["targets"]:
        chosen = re.findall(r"\{([^}]*)\}", target["expr"].replace(LOADED, ""))
        assert chosen
        for matchers in chosen:
            assert matchers.startswith('environment=~"$environment"')
        windows = set(re.findall(r"\[([^].]+)\]", target["expr"]))
        assert windows <= {"$__rate_interval", "$__range", "1h", "1d"}


@pytest.mark.parametrize("panel", list(panels("stat", "piechart", "bargauge", "table")))
def test_what_is_shown_as_now_is_asked_for_now(panel: dict[str, Any]) -> None:
    assert all(target["instant"] and not target.get("range") for target in panel["targets"])


@pytest.mark.parametrize("panel", list(panels("stat")))
def test_a_number_says_so_where_nobody_answers(panel: dict[str, Any]) -> None:
    assert len(panel["title"]) <= WIDEST_TITLE
    if panel["options"]["textMode"] == "name":
        assert "absent(" in panel["targets"][-1]["expr"]
        return
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert steps[0]["color"] in ("red", "text"), "Grafana's own are green, and red from 80"
    (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
    for target in panel["targets"]:
        (unknown,) = re.findall(r" or on \(\) vector\((-\d)\)$", target["expr"])
        assert mapping["options"][unknown]["text"]


@pytest.mark.parametrize("panel", list(panels("timeseries")))
def test_lines_begin_at_zero_and_say_their_last_and_highest_value(panel: dict[str, Any]) -> None:
    assert panel["options"]["legend"]["calcs"] == ["lastNotNull", "max"]
    assert panel["options"]["legend"]["displayMode"] == "table"
    defaults = panel["fieldConfig"]["defaults"]
    is_log = defaults["custom"].get("scaleDistribution") == {"type": "log", "log": 10}
    # A logarithmic axis has no 0, and is for operations, which take microseconds or seconds.
    assert is_log == ("{{operation}}" in {one["legendFormat"] for one in panel["targets"]})
    assert (defaults["min"] > 0) == is_log


def test_a_colour_means_the_same_everywhere() -> None:
    assert BY_SERIES["^(success|passed|succeeded)"] == "green"
    assert "red" in {colour for name, colour in BY_SERIES.items() if "failed" in name}
    assert BY_STATE.keys() == {*STATES, "no answer"}
    for parameter in panels("timeseries", "piechart"):
        (panel,) = parameter.values
        assert colours(panel) == {f"/{name}/": colour for name, colour in BY_SERIES.items()}
    assert colours(of_overview("State")) == BY_STATE


@pytest.mark.parametrize("name", BOARDS)
def test_panels_fill_the_grid_without_overlap_or_hole(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in boards()[name]["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    rows = 1 + max(y for _, y in taken)
    assert len(taken) == 24 * rows
    ids = [panel["id"] for panel in boards()[name]["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_can_be_found_chosen_and_left(name: str) -> None:
    board = boards()[name]
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert list(variables) == ["datasource", *VARIABLES[name], "spark"]
    for label in VARIABLES[name]:
        assert variables[label]["allValue"] == ".*"
    links = {link["title"]: link.get("url") for link in board["links"]}
    assert list(links) == ["Churn stream", "Runbook", "Spark"]
    assert links["Runbook"] == f"/d/{boards()['runbook']['uid']}"
    assert links["Spark"] == "http://${spark}"
    uid = "overview" if name == "grafana_dashboard" else name
    assert board["uid"] == f"churn-stream-{uid}"
    assert board["editable"] is False
    assert board["panels"][0]["type"] == "row"
    annotations = {one["name"] for one in board["annotations"]["list"]}
    assert annotations >= {"Alerts", "Starts of the process", "Changes of the model"}


def test_a_panel_links_to_the_runbook_s_entry_of_its_alert() -> None:
    entries = {panel["id"]: panel["title"] for panel in boards()["runbook"]["panels"]}
    linked = set()
    for parameter in panels():
        (panel,) = parameter.values
        for link in panel.get("links") or ():
            alert = link["title"].removeprefix("Runbook: ")
            number = int(link["url"].removeprefix("/d/churn-stream-runbook?viewPanel="))
            assert entries[number] == alert
            linked.add(alert)
    assert linked == alerts().keys()


def test_a_panel_links_to_each_alert_whose_entry_sends_one_there() -> None:
    links = {
        (board["title"], panel["title"]): {link["title"] for link in panel.get("links") or ()}
        for board in boards().values()
        for panel in board["panels"]
    }
    busy = {"Runbook: ConsumerLagIncreasing", "Runbook: LagNotDraining"}
    assert links["Churn stream / Latency and throughput", "Busy Ratio"] == busy
    assert links["Churn stream / Engine", "Threads Down"] == {"Runbook: TelemetryThreadDown"}


def test_every_alert_has_its_entry_on_the_dashboard_of_the_runbook() -> None:
    texts = [panel for panel in boards()["runbook"]["panels"] if panel["type"] == "text"]
    found = {panel["title"]: panel["options"]["content"] for panel in texts}
    assert found.keys() == alerts().keys()
    page = (HOME / "docs" / "runbook.md").read_text("utf-8")
    for name, content in found.items():
        assert content.partition("\n\n")[2].strip() in page, name


def test_the_runbook_names_panels_that_there_are() -> None:
    titles = {panel["title"] for board in boards().values() for panel in board["panels"]}
    boards_named = {board["title"].split(" / ")[1] for board in boards().values()}
    text = (HOME / "docs" / "runbook.md").read_text("utf-8")
    for board, rest in re.findall(
        r"\*([A-Z][\w -]+)\*,((?:\s+(?:panels? )?\"[^\"]+\"(?: and)?,?)+)", text
    ):
        assert board in boards_named
        assert set(re.findall(r'"([^"]+)"', rest)) <= titles
    assert set(re.findall(r"(?<!\*)\*([A-Z][\w -]+)\*(?!\*)", text)) <= boards_named
