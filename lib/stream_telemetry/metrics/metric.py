"""What is known of one metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram", "info"]
Source = Literal["scrape", "push"]


@dataclass(frozen=True)
class Metric:
    """One metric: what it is called, what it means, and on which dashboard it is shown."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    shown: str = "overview"
    source: Source = "scrape"

    @property
    def unit(self) -> str:
        """The unit, which the name ends with; empty for plain numbers."""
        base = self.name.removesuffix("_total")
        return next((unit for unit in ("seconds", "ratio") if base.endswith(f"_{unit}")), "")
