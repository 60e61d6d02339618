"""How large a plan of Spark SQL is."""

from __future__ import annotations

from collections import Counter
from typing import Any

from pyspark.sql import DataFrame


def optimized(frame: DataFrame) -> Any:
    """The plan as Spark would run it."""
    query: Any = frame._jdf.queryExecution()
    return query.optimizedPlan()


def projections(plan: Any) -> int:
    return Counter(node.nodeName() for node in _operators(plan))["Project"]


def expressions(plan: Any) -> int:
    # An expression is a tree too.
    roots = [root for node in _operators(plan) for root in _each(node.expressions())]
    return sum(len(_operators(root)) for root in roots)


def _each(sequence: Any) -> list[Any]:
    return [sequence.apply(place) for place in range(sequence.size())]


def _operators(node: Any) -> list[Any]:
    return [node, *(below for child in _each(node.children()) for below in _operators(child))]
