"""Customer files that tests write."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from churn_kind import CSV_COLUMNS

from churn_tools.customers.synthetic import synthetic_customers


def write_csv(
    path: Path, rows: Iterable[Sequence[object]], columns: Sequence[str] = CSV_COLUMNS
) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def some_rows(changes: Mapping[str, object] | None = None) -> Iterator[list[object]]:
    for customer in islice(synthetic_customers(1), 20):
        yield [{**customer, **(changes or {})}[name] for name in CSV_COLUMNS]
