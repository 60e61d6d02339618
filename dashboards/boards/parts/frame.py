"""What every dashboard has around its panels: variables, links, annotations, rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard

from dashboards.boards.parts.blocks import DATA_SOURCE, Panel
from dashboards.boards.parts.choice import Choice
from dashboards.boards.parts.colours import BAD
from dashboards.rules.chapters import chapters
from dashboards.site import Site
from stream_telemetry.metrics import catalogue, pushed

TAG = "churn-stream"
RUNBOOK = f"/d/{TAG}-runbook"

_CONSUMER = catalogue.INFO.name
_RUNS = pushed.RUN_STARTED.name
_SPARK = "metrics_executor_maxTasks"


def board(
    name: str,
    title: str,
    question: str,
    since: str,
    choice: Choice,
    panels: Mapping[str, Sequence[Panel]],
) -> dashboard.Dashboard:
    """A dashboard with the variables, links and annotations that all of them have.

    Args:
        name: of its file; its id follows from it, which links keep.
        title: its name.
        question: that it answers.
        since: the time that it shows at first, from here until now: `now-1h`.
        choice: the labels that the reader can choose by.
        panels: in rows by their title; from left to right and from the top.
    """
    built = builders.Dashboard(f"Churn stream / {title}").uid(f"{TAG}-{name}")
    built.description(question).tags([TAG]).readonly()
    built.timezone("browser").time(since, "now").refresh("30s")
    built.tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    for variable in _variables(choice, name):
        built.with_variable(variable)
    for link in _links():
        built.link(link)
    for annotation in _annotations(choice):
        built.annotation(annotation)
    for row, parts in panels.items():
        built.with_row(builders.Row(row))
        for panel in parts:
            built.with_panel(panel)
    return _finished(built)


def entry(alert: str) -> str:
    """The page with the runbook's entry of an alert, on the dashboard that holds them all."""
    places = [
        name
        for chapter in chapters(Site())
        for name in (chapter.title, *(one.name for one in chapter.alerts))
    ]
    return f"{RUNBOOK}?viewPanel={places.index(alert) + 1}"


def _finished(built: builders.Dashboard) -> dashboard.Dashboard:
    whole = built.build()
    for made in whole.templating.list_val or ():
        # Of intervals only; the builders of other variables set them too.
        made.auto = made.auto_count = made.auto_min = None
    named = _alerts_by_panel()
    for position, placed in enumerate(whole.panels or (), start=1):
        placed.id_val = position
        if isinstance(placed, dashboard.Panel):
            links = [to_entry(alert).build() for alert in named.get(placed.title or "", ())]
            known = {link.url for link in placed.links or ()}
            given = [*(placed.links or ()), *(link for link in links if link.url not in known)]
            placed.links = given or None
    return whole


def to_entry(alert: str) -> builders.DashboardLink:
    """A panel's link to the runbook's entry of an alert."""
    link = builders.DashboardLink(f"Runbook: {alert}").type(dashboard.DashboardLinkType.LINK)
    return link.url(entry(alert))


@cache
def _alerts_by_panel() -> dict[str, list[str]]:
    """The alerts whose entry says under "See:" that one looks at a panel, by its title."""
    found: dict[str, list[str]] = {}
    for alert in (one for chapter in chapters(Site()) for one in chapter.alerts):
        for see in re.findall(r"- See: (.*?)(?=\n\s*- |\Z)", alert.entry, re.DOTALL):
            for title in re.findall(r'"([^"]+)"', see):
                found.setdefault(title, []).append(alert.name)
    return found


def _variables(choice: Choice, name: str) -> list[Builder[dashboard.VariableModel]]:
    source = builders.DatasourceVariable("datasource").label("Data source").type("prometheus")
    metric = {"runs": _RUNS, "engine": _SPARK}.get(name, _CONSUMER)
    made: list[Builder[dashboard.VariableModel]] = [source]
    for number, label in enumerate(choice.labels):
        before = Choice(choice.labels[:number]).matchers
        made.append(_chosen(label, f"label_values({metric}{{{before}}}, {label})"))
    for label in choice.others:
        processed = f"{catalogue.PROCESSED.name}{{{choice.matchers}}}"
        made.append(_chosen(label, f"label_values({processed}, {label})"))
    page = builders.QueryVariable("spark").query(f"label_values({_SPARK}, instance)")
    page.datasource(DATA_SOURCE).hide(dashboard.VariableHide.HIDE_VARIABLE)
    return [*made, page.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)]


def _chosen(name: str, values: str) -> builders.QueryVariable:
    variable = builders.QueryVariable(name).label(name.capitalize()).query(values)
    # All takes those without the label too: an alert about a whole job has no instance.
    variable.datasource(DATA_SOURCE).multi(True).include_all(True).all_value(".*")
    variable.current(dashboard.VariableOption(selected=True, text="All", value="$__all"))
    return variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(
        dashboard.VariableSort.ALPHABETICAL_ASC
    )


def _links() -> list[builders.DashboardLink]:
    boards = builders.DashboardLink("Churn stream").type(dashboard.DashboardLinkType.DASHBOARDS)
    boards.tags([TAG]).keep_time(True).as_dropdown(True).tooltip("The other dashboards")
    return [boards, _page("Runbook", RUNBOOK), _page("Spark", "http://${spark}")]


def _page(title: str, url: str) -> builders.DashboardLink:
    link = builders.DashboardLink(title).type(dashboard.DashboardLinkType.LINK).url(url)
    return link.icon("external link").target_blank(True).tooltip(title)


def _annotations(choice: Choice) -> list[builders.AnnotationQuery]:
    of_job = choice.without("instance")
    start = choice.series(catalogue.PROCESS_START)
    restarts = choice.series(catalogue.RESTARTS)
    model = choice.series(catalogue.MODEL_INFO)
    alerts = of_job.series("ALERTS", alertstate="firing")
    return [
        _noted(),
        _seen("Alerts", alerts, BAD),
        _seen("Starts of the process", f"time() - {start} < 60", "blue"),
        _seen("Restarts of the query", f"increase({restarts}[1m]) > 0", "orange"),
        _seen("Changes of the model", f"{model} unless {model} offset 2m", "purple"),
    ]


def _noted() -> builders.AnnotationQuery:
    """What somebody has noted in Grafana under the tag."""
    tagged = builders.AnnotationTarget().type("tags").tags([TAG]).match_any(False).limit(100)
    grafana = dashboard.DataSourceRef(type_val="grafana", uid="-- Grafana --")
    noted = builders.AnnotationQuery().name("Deployments and incidents").datasource(grafana)
    return noted.enable(True).icon_color("purple").target(tagged)


def _seen(name: str, expression: str, colour: str) -> builders.AnnotationQuery:
    seen = builders.AnnotationQuery().name(name).datasource(DATA_SOURCE).expr(expression)
    return seen.enable(True).icon_color(colour)
