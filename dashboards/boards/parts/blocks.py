"""The kinds of panels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    heatmap,
    piechart,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models import piechart as piechart_models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.boards.parts.choice import or_unknown
from dashboards.boards.parts.colours import BAD, BY_SERIES, GOOD, UNKNOWN, fixed, steps, words

DATA_SOURCE = dashboard.DataSourceRef(type_val="prometheus", uid="${datasource}")
NO_DATA = "no data"
NOBODY = "no answer"

Panel = Builder[dashboard.Panel]
Query = prometheus.Dataquery
AnyPanel = TypeVar(
    "AnyPanel",
    timeseries.Panel,
    stat.Panel,
    piechart.Panel,
    bargauge.Panel,
    statetimeline.Panel,
    table.Panel,
)


def query(expression: str, legend: str = "__auto") -> Query:
    """A query over the time that is shown, with the legend of its series."""
    return prometheus.Dataquery().expr(expression).legend_format(legend).range()


def now(expression: str, legend: str = "__auto") -> Query:
    """A query for this moment: nothing of the past is shown as if it were the present."""
    return prometheus.Dataquery().expr(expression).legend_format(legend).instant()


def time_series(title: str, description: str, unit: str, *queries: Query) -> timeseries.Panel:
    """Lines over time, from 0, with their last and highest values; a third of the width."""
    panel = timeseries.Panel().line_width(1).fill_opacity(8).min(0)
    panel.show_points(common.VisibilityMode.NEVER).axis_soft_max(1)
    legend = common_builders.VizLegendOptions().calcs(["lastNotNull", "max"]).show_legend(True)
    panel.legend(
        legend.display_mode(common.LegendDisplayMode.TABLE).placement(common.LegendPlacement.BOTTOM)
    )
    tooltip = common_builders.VizTooltipOptions()
    panel.tooltip(tooltip.mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
    return coloured(_described(panel, title, description, unit, queries).span(8).height(9))


def with_limit(panel: timeseries.Panel, limit: float) -> timeseries.Panel:
    """The same with a line at the value that must not be reached."""
    style = common_builders.GraphThresholdsStyleConfig().mode(
        common.GraphThresholdsStyleMode.DASHED
    )
    return panel.thresholds(steps("transparent", (limit, BAD))).thresholds_style(style)


def logarithmic(panel: timeseries.Panel, lowest: float) -> timeseries.Panel:
    """The same for values of many sizes: on a linear axis, all but the largest look like 0."""
    scale = common_builders.ScaleDistributionConfig().type(common.ScaleDistribution.LOG).log(10)
    return panel.scale_distribution(scale).min(lowest).axis_soft_max(1000 * lowest)


def number(title: str, description: str, unit: str, *queries: Query) -> stat.Panel:
    """The value of this moment, large; a sixth of the width.

    A query gives `UNKNOWN` where nobody answers, which is told in words.
    """
    panel = stat.Panel().reduce_options(
        common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    )
    panel.graph_mode(common.BigValueGraphMode.NONE).color_mode(common.BigValueColorMode.VALUE)
    panel.mappings(words({UNKNOWN: (NOBODY, BAD)}))
    return _described(panel, title, description, unit, queries).span(4).height(4)


def judged(
    title: str,
    description: str,
    unit: str,
    expression: str,
    name: str,
    *worse: tuple[float, str],
    decimals: float | None = None,
) -> stat.Panel:
    """A number that is good from 0 on, and worse from certain values on; red where nobody answers.

    Args:
        title: of the panel.
        description: of the panel.
        unit: Grafana's name of it.
        expression: has one value, or none.
        name: of that value.
        worse: from which value on another colour holds, the lowest first.
        decimals: shown; as Grafana likes by default.
    """
    panel = number(title, description, unit, now(or_unknown(expression), name))
    panel.thresholds(steps(BAD, (0, GOOD), *worse))
    return panel if decimals is None else panel.decimals(decimals)


def word(
    title: str, description: str, texts: Mapping[float, tuple[str, str]], *queries: Query
) -> stat.Panel:
    """A word for the value of this moment, in its colour."""
    mappings = words({**texts, UNKNOWN: (NOBODY, BAD)})
    return number(title, description, "none", *queries).mappings(mappings).thresholds(steps(BAD))


def pie(title: str, description: str, unit: str, *queries: Query) -> piechart.Panel:
    """Shares of a whole, with values and percent; a third of the width."""
    panel = piechart.Panel().reduce_options(
        common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    )
    labels = piechart_models.PieChartLabels
    panel.display_labels([labels.NAME, labels.PERCENT])
    values = piechart_models.PieChartLegendValues
    legend = piechart.PieChartLegendOptions().display_mode(common.LegendDisplayMode.TABLE)
    legend.values([values.VALUE, values.PERCENT])
    panel.legend(legend.placement(common.LegendPlacement.RIGHT).show_legend(True))
    return coloured(_described(panel, title, description, unit, queries).span(8).height(9))


def bars(title: str, description: str, unit: str, *queries: Query) -> bargauge.Panel:
    """Values beside each other, the largest first; a third of the width."""
    panel = bargauge.Panel().orientation(common.VizOrientation.HORIZONTAL)
    panel.reduce_options(
        common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    ).display_mode(common.BarGaugeDisplayMode.BASIC)
    return _described(panel, title, description, unit, queries).span(8).height(9).min(0)


def rows(
    title: str,
    description: str,
    columns: Mapping[str, str],
    *queries: Query,
    hidden: Sequence[str] = (),
) -> table.Panel:
    """A table: the queries' labels and values, joined by the labels that they share.

    Args:
        title: of the panel.
        description: of the panel.
        columns: what stands above each, by the name of the label or `Value #A`.
        queries: instant ones.
        hidden: labels that are no columns.
    """
    panel = table.Panel()
    left_out = dict.fromkeys(("Time", "__name__", *hidden), True)
    organized = {"excludeByName": left_out, "renameByName": dict(columns)}
    panel.with_transformation(dashboard.DataTransformerConfig("merge", options={}))
    panel.with_transformation(dashboard.DataTransformerConfig("organize", options=organized))
    as_rows = [one.format(PromQueryFormat.TABLE) for one in queries]
    return _described(panel, title, description, "none", as_rows).span(24).height(6)


def history(
    title: str, description: str, texts: Mapping[float, tuple[str, str]], *queries: Query
) -> statetimeline.Panel:
    """Words over time, as coloured bars."""
    panel = statetimeline.Panel().mappings(words(texts)).merge_values(True).row_height(0.8)
    panel.show_value(common.VisibilityMode.AUTO).thresholds(steps(BAD))
    return _described(panel, title, description, "none", queries).span(12).height(9)


def spread(title: str, description: str, buckets: str, unit: str = "s") -> Panel:
    """How values spread over the buckets of a histogram, over time; half the width."""
    panel = heatmap.Panel().title(title).description(description).datasource(DATA_SOURCE)
    panel.with_target(
        query(buckets, "{{le}}").format(PromQueryFormat.HEATMAP).ref_id("A").datasource(DATA_SOURCE)
    )
    panel.calculate(False).y_axis(heatmap.YAxisConfig().unit(unit)).unit("short")
    # One that is told apart from a dark and from a light background.
    colors = heatmap.HeatmapColorOptions().mode(heatmap_models.HeatmapColorMode.SCHEME)
    panel.color(colors.scheme("Turbo").steps(64)).no_value("no records")
    return panel.span(12).height(9)


def coloured(panel: AnyPanel) -> AnyPanel:
    """The same with the colours that its series have everywhere."""
    for pattern, colour in BY_SERIES.items():
        panel.override_by_regexp(f"/{pattern}/", fixed(colour))
    return panel


def linked(panel: AnyPanel, title: str, url: str) -> AnyPanel:
    """The same with a link to another page."""
    link = builders.DashboardLink(title).type(dashboard.DashboardLinkType.LINK).url(url)
    return panel.links([link])


def _described(
    panel: AnyPanel, title: str, description: str, unit: str, queries: Sequence[Query]
) -> AnyPanel:
    panel.title(title).description(description).unit(unit).no_value(NO_DATA)
    panel.datasource(DATA_SOURCE)
    for letter, target in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(target.ref_id(letter).datasource(DATA_SOURCE))
    return panel
