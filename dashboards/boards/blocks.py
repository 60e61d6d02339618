"""What panels and dashboards have in common."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from typing import TypeVar

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import piechart, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard

RUNBOOK = "docs/runbook.md"
SPARK_UI = "http://localhost:4040"
TAG = "churn-stream"
DATA_SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
NO_DATA = "No data"

Panel = Builder[dashboard.Panel]
AnyPanel = TypeVar("AnyPanel", timeseries.Panel, stat.Panel, piechart.Panel)


def query(expression: str, legend: str = "__auto") -> prometheus.Dataquery:
    """A query over the time that is shown, with the legend of its series."""
    return prometheus.Dataquery().expr(expression).legend_format(legend).range()


def time_series(
    title: str, description: str, unit: str, *queries: prometheus.Dataquery
) -> timeseries.Panel:
    """Lines over time; a third of the width."""
    panel = (
        timeseries.Panel().line_width(1).fill_opacity(8).show_points(common.VisibilityMode.NEVER)
    )
    legend = common_builders.VizLegendOptions()
    panel.legend(
        legend.display_mode(common.LegendDisplayMode.LIST)
        .placement(common.LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    tooltip = common_builders.VizTooltipOptions()
    panel.tooltip(tooltip.mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
    return _described(panel, title, description, unit, queries).span(8).height(8)


def number(title: str, description: str, unit: str, *queries: prometheus.Dataquery) -> stat.Panel:
    """The latest value, large; a sixth of the width."""
    panel = stat.Panel().reduce_options(
        common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    )
    panel.graph_mode(common.BigValueGraphMode.NONE).color_mode(common.BigValueColorMode.VALUE)
    return _described(panel, title, description, unit, queries).span(4).height(4)


def pie(title: str, description: str, unit: str, *queries: prometheus.Dataquery) -> piechart.Panel:
    """Shares of a whole over the time that is shown; a third of the width."""
    panel = piechart.Panel().reduce_options(
        common_builders.ReduceDataOptions().calcs(["sum"]).values(False)
    )
    legend = piechart.PieChartLegendOptions().display_mode(common.LegendDisplayMode.LIST)
    panel.legend(legend.placement(common.LegendPlacement.RIGHT).show_legend(True))
    return _described(panel, title, description, unit, queries).span(8).height(8)


def steps(lowest: str, *above: tuple[float, str]) -> builders.ThresholdsConfig:
    """Colours by value: the lowest one, and from which value on another one holds."""
    thresholds = [dashboard.Threshold(value=None, color=lowest)]
    thresholds += [dashboard.Threshold(value=value, color=color) for value, color in above]
    return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(thresholds)


def words(**texts: tuple[str, str]) -> list[dashboard.ValueMapping]:
    """A word and a colour instead of a number: `words(_0=("Unhealthy", "red"))`."""
    results = {
        value.removeprefix("_"): dashboard.ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(texts.items())
    }
    return [dashboard.ValueMap(options=results)]


def board(
    uid: str, title: str, description: str, since: str, panels: Sequence[Panel]
) -> dashboard.Dashboard:
    """A dashboard with the variables, links and annotations that all of them have.

    Args:
        uid: its id, which links keep.
        title: its name.
        description: the question that it answers.
        since: the time that it shows at first, from here until now: `now-1h`.
        panels: from left to right and from the top.
    """
    built = builders.Dashboard(title).uid(uid).description(description).tags([TAG]).readonly()
    built.timezone("browser").time(since, "now").refresh("30s")
    built.tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    for variable in _variables():
        built.with_variable(variable)
    for link in _links():
        built.link(link)
    built.annotation(_incidents())
    for panel in panels:
        built.with_panel(panel)
    whole = built.build()
    for made in whole.templating.list_val or ():
        # Of intervals only; the builders of other variables set them too.
        made.auto = made.auto_count = made.auto_min = None
    for position, placed in enumerate(whole.panels or (), start=1):
        assert isinstance(placed, dashboard.Panel)
        placed.id_val = position
    return whole


def _described(
    panel: AnyPanel,
    title: str,
    description: str,
    unit: str,
    queries: Sequence[prometheus.Dataquery],
) -> AnyPanel:
    panel.title(title).description(description).unit(unit).no_value(NO_DATA)
    panel.datasource(DATA_SOURCE)
    for letter, target in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(target.ref_id(letter).datasource(DATA_SOURCE))
    return panel


def _variables() -> list[Builder[dashboard.VariableModel]]:
    source = builders.DatasourceVariable("datasource").label("Data source").type("prometheus")
    # Whatever tells of a run: the job itself, Spark's page, the Pushgateway.
    runs = '{__name__=~"kafka_consumer_info|spark_info|push_time_seconds"}'
    return [
        source,
        _choice("job", "Job", f"label_values({runs}, job)"),
        _choice("instance", "Instance", 'label_values({job=~"$job"}, instance)'),
        _choice(
            "topic", "Topic", 'label_values(kafka_messages_processed_total{job=~"$job"}, topic)'
        ),
    ]


def _choice(name: str, label: str, values: str) -> builders.QueryVariable:
    variable = builders.QueryVariable(name).label(label).query(values).datasource(DATA_SOURCE)
    variable.multi(True).include_all(True).all_value(".+")
    variable.current(dashboard.VariableOption(selected=True, text="All", value="$__all"))
    return variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(
        dashboard.VariableSort.ALPHABETICAL_ASC
    )


def _links() -> list[builders.DashboardLink]:
    boards = builders.DashboardLink("Churn stream").type(dashboard.DashboardLinkType.DASHBOARDS)
    boards.tags([TAG]).keep_time(True).as_dropdown(True).tooltip("The other dashboards")
    return [boards, _page("Runbook", RUNBOOK), _page("Spark", SPARK_UI)]


def _incidents() -> builders.AnnotationQuery:
    """Deployments and incidents that somebody has noted in Grafana under the tag."""
    tagged = builders.AnnotationTarget().type("tags").tags([TAG]).match_any(False).limit(100)
    grafana = dashboard.DataSourceRef(type_val="grafana", uid="-- Grafana --")
    noted = builders.AnnotationQuery().name("Deployments and incidents").datasource(grafana)
    return noted.enable(True).icon_color("purple").target(tagged)


def _page(title: str, url: str) -> builders.DashboardLink:
    link = builders.DashboardLink(title).type(dashboard.DashboardLinkType.LINK).url(url)
    return link.icon("external link").target_blank(True).tooltip(url)
