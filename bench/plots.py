"""Which plots are made of which figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bars import Chart
from figures import Figures, Table

_PERCENTILES = {"p50": "p50, ms", "p90": "p90, ms", "p99": "p99, ms"}


def of_race(figures: Figures) -> dict[str, Chart]:
    """Rates of `throughput.py`, and where its processor time goes."""
    rates, causes = figures.tables
    whole, late = rates.column("records/s"), rates.column("late records/s")
    by_row = {name: {"whole": whole[name], "second half": late[name]} for name in rates.rows}
    return {
        "rate": Chart(f"Records a second, {rates.title}", by_row),
        "cpu": Chart(f"Core-µs a record by cause, {rates.title}", _rows(causes), is_stacked=True),
    }


def of_latency(figures: Figures) -> dict[str, Chart]:
    """Percentiles of `latency.py`, by rate."""
    return {
        str(place): Chart(
            f"Milliseconds from an event to its answer, {table.title} (logarithmic)",
            {
                name: {short: table.column(head)[name] for short, head in _PERCENTILES.items()}
                for name in table.rows
            },
            is_logarithmic=True,
        )
        for place, table in enumerate(figures.tables, 1)
    }


PLOTS: Mapping[str, Callable[[Figures], dict[str, Chart]]] = {
    "throughput": of_race,
    "backlog": of_race,
    "drain": of_race,
    "latency": of_latency,
}
"""Plots of a part of the report, by the end of their file's name."""


def _rows(table: Table) -> dict[str, dict[str, float]]:
    return {
        name: {
            head: figure
            for head, figure in zip(table.columns, row, strict=True)
            if figure is not None and figure > 0
        }
        for name, row in table.rows.items()
    }
