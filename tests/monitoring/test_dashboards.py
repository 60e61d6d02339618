from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from dashboards.boards.blocks import RUNBOOK
from dashboards.written import BOARDS, as_json
from monitoring.rule_files import HOME

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


def boards() -> dict[str, dict[str, Any]]:
    return {name: json.loads((HOME / "dashboards" / f"{name}.json").read_text()) for name in BOARDS}


def panels() -> Iterator[Any]:
    for name, board in boards().items():
        for panel in board["panels"]:
            yield pytest.param(panel, id=f"{name}: {panel['title']}")


def of_overview(title: str) -> dict[str, Any]:
    (panel,) = (panel for panel in boards()["overview"]["panels"] if panel["title"] == title)
    return dict(panel)


@pytest.mark.parametrize("name", BOARDS)
def test_the_committed_dashboard_is_what_its_code_makes(name: str) -> None:
    committed = (HOME / "dashboards" / f"{name}.json").read_text("utf-8")
    assert committed == as_json(name), "run: python -m dashboards"


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
    assert words == {"0": ("Unhealthy", "red"), "1": ("Healthy", "green")}


@pytest.mark.parametrize("panel", list(panels()))
def test_a_panel_explains_itself_and_asks_for_what_was_chosen(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["noValue"]
    assert panel["datasource"]["uid"] == "${datasource}"
    for target in panel["targets"]:
        chosen = re.findall(r"\{([^}]*)\}", target["expr"])
        assert chosen
        for matchers in chosen:
            assert matchers.startswith('job=~"$job",instance=~"$instance"')
        assert set(re.findall(r"\[([^]]*)\]", target["expr"])) <= {"$__rate_interval"}


@pytest.mark.parametrize("name", BOARDS)
def test_panels_fill_the_grid_without_overlap(name: str) -> None:
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
    ids = [panel["id"] for panel in boards()[name]["panels"]]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_can_be_found_chosen_and_left(name: str) -> None:
    board = boards()[name]
    variables = [variable["name"] for variable in board["templating"]["list"]]
    assert variables == ["datasource", "job", "instance", "topic"]
    assert [link["title"] for link in board["links"]] == ["Churn stream", "Runbook", "Spark"]
    assert board["links"][1]["url"] == RUNBOOK
    assert board["uid"] == f"churn-stream-{name}"
    assert board["editable"] is False


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
