"""PromQL that several rules have in common.

Sums leave labels out (`without`) instead of naming those that stay: whatever tells environments
apart at this site stays apart, and nobody has to list it.
"""

from __future__ import annotations

from dashboards.site import Site
from stream_telemetry.metrics import catalogue

INFO_LABELS = catalogue.INFO.labels
"""Labels that `kafka_consumer_info` has beyond those of its target."""
TO_TARGET = f"ignoring ({', '.join(INFO_LABELS)})"
"""Joins it with `up`, by whatever labels the target has."""
NO_RUN = "".join(f'{{{label}=""}}' for label in catalogue.GUIDES_LABEL)
"""Chooses what is scraped, not what scheduled runs push; these have nothing to do most of the time."""
MEMORY = "3d"
"""How long a target or run that is gone is missed: over a weekend."""


def over_replicas(site: Site, function: str, expression: str, *labels: str) -> str:
    """One value for all replicas of a job in an environment, whatever these labels are.

    Args:
        site: knows which labels differ between replicas.
        function: that puts them together, such as `sum`.
        expression: of the values.
        labels: further ones to leave out.
    """
    left_out = ", ".join((*site.names.replica_labels, *labels))
    return f"{function} without ({left_out}) ({expression})"


def at_bound(bound: float) -> str:
    """A matcher of a histogram's bound: `60.0` as our exporter writes it, `60` as others do."""
    whole, _, fraction = f"{bound}".partition(".")
    return f'le=~"{whole}|{whole}[.]0"' if fraction == "0" else f'le="{bound}"'


def risen(metric: str, window: str) -> str:
    """How much a counter has risen, before its first scrape too.

    `increase` does not see what a counter stands at when it is scraped for the first time. It
    counts as new if there was none of it all day long before, so that no gap is taken for a birth.
    """
    return (
        f"({metric} unless last_over_time({metric}[1d] offset {window})) "
        f"or increase({metric}[{window}])"
    )


def at_best(metric: str, window: str, *, before: bool = False) -> str:
    """The lowest value within a window, or the window before.

    What goes up and down with each batch is judged by the line along its feet: its slope, and its
    value now, follow the moment of the scrape.
    """
    return f"min_over_time({metric}[{window}]{f' offset {window}' if before else ''})"
