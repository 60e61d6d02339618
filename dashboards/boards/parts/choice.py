"""PromQL for the panels: every series is chosen by the variables of its dashboard."""

from __future__ import annotations

from dataclasses import dataclass

from dashboards.boards.parts.colours import UNKNOWN
from dashboards.site import Site
from stream_telemetry.metrics import catalogue, of_model
from stream_telemetry.metrics.metric import Metric

LATEST = of_model.WINDOWS[0]
"""The window of the latest records, of what is told of a model."""
_GUIDES = tuple(metric.name for metric in catalogue.GUIDES)


@dataclass(frozen=True)
class Choice:
    """Which targets the reader has chosen, by labels that are variables of the dashboard.

    Attributes:
        labels: in every query.
        others: labels that are variables too, and not those of targets: the topic.
        run: the label that the guide's figures have where a scheduled run has pushed them.
    """

    labels: tuple[str, ...]
    others: tuple[str, ...] = ()
    run: str = ""

    @property
    def matchers(self) -> str:
        """What stands in the braces of every query."""
        return ",".join(f'{label}=~"${label}"' for label in self.labels)

    def without(self, *labels: str) -> Choice:
        """The same for series that do not have some of the labels."""
        return Choice(tuple(label for label in self.labels if label not in labels))

    def series(self, metric: Metric | str, **labels: str) -> str:
        """The chosen series of a metric; one with a topic also by that.

        Args:
            metric: one of the catalogue, or the name of another program's.
            labels: further matchers; a value after `~` is a regular expression, one after `!` is
                not wanted.
        """
        name, known = (metric, ()) if isinstance(metric, str) else (metric.name, metric.labels)
        labels = {label: f"~${label}" for label in self.others if label in known} | labels
        if name.startswith(_GUIDES):
            labels["run"] = self.run
        operators = {"!": "!=", "~": "=~"}
        further = "".join(
            f',{label}{operators.get(value[:1], "=")}"{value.lstrip("!~")}"'
            for label, value in labels.items()
        )
        return f"{name}{{{self.matchers}{further}}}"

    def part(self, metric: Metric, suffix: str, **labels: str) -> str:
        """A histogram's `_bucket`, `_sum` or `_count`, chosen as in `series`."""
        return self.series(f"{metric.name}_{suffix}", **labels)

    def quantile(self, rank: float, metric: Metric, *by: str) -> str:
        """A percentile of a histogram, over all replicas; by labels of it, where given."""
        buckets = total(rate(self.part(metric, "bucket")), *by, "le")
        return f"histogram_quantile({rank:g}, {buckets})"

    def average(self, metric: Metric, **labels: str) -> str:
        """The mean of what a histogram has counted, over all replicas."""
        count = total(rate(self.part(metric, "count", **labels)))
        return share(total(rate(self.part(metric, "sum", **labels))), count)


def of_consumer(site: Site) -> Choice:
    """Choice of the job's own series."""
    return Choice((*site.names.environment_labels, "job", "instance"), ("topic",))


def of_runs(site: Site) -> Choice:
    """Choice of what runs have pushed."""
    labels = (*site.names.environment_labels, "job", "instance")
    return Choice(labels, run=catalogue.GUIDES_LABEL["run"])


def of_spark(site: Site) -> Choice:
    """Choice of Spark's series, whose jobs are others than the consumer's."""
    return Choice(site.names.environment_labels or ("service",))


def latest(choice: Choice, metric: Metric) -> str:
    """A figure of the model over its latest records."""
    return choice.series(metric, window=LATEST)


def rate(chosen: str) -> str:
    """Its rise in a second."""
    return f"rate({chosen}[$__rate_interval])"


def increase(chosen: str, window: str = "$__rate_interval") -> str:
    """Its rise within a window."""
    return f"increase({chosen}[{window}])"


def total(expression: str, *by: str) -> str:
    """The sum over all series, or of those that agree in some labels."""
    return f"sum by ({', '.join(by)}) ({expression})" if by else f"sum({expression})"


def share(numerator: str, denominator: str) -> str:
    """A quotient that has no value, instead of none that is a number, where there is nothing."""
    return f"{numerator} / ({denominator} > 0)"


def or_unknown(expression: str, unknown: int = UNKNOWN) -> str:
    """An answer in any case: a number that nobody tells any more is not the last one told."""
    return f"({expression}) or on () vector({unknown})"


def known_targets(choice: Choice) -> str:
    """The chosen targets that have ever been a consumer within a day, dead ones too."""
    info = choice.series(catalogue.INFO)
    ignoring = f"ignoring ({', '.join(catalogue.INFO.labels)})"
    return f"{choice.series('up')} and {ignoring} last_over_time({info}[1d])"
