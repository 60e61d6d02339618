"""Trees as SQL expressions: what `telco_churn.model.spark_trees` does not do, since it loses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telco_churn.model.spark_ml.saved_trees import Split, Tree
from telco_churn.model.spark_trees.compiled_trees import RestatedTrees

_ASKED = "_asked_"

Total = Callable[[RestatedTrees], Column]


def by_expression(customers: DataFrame, trees: RestatedTrees, total: Total) -> DataFrame:
    """DOUBLE `probability` of each customer, by an expression over `_asked_0` and so on."""
    asked = [column.alias(f"{_ASKED}{place}") for place, column in enumerate(trees.asked)]
    rows = customers.select("*", *asked)
    return rows.select(trees.probability_col(total(trees)).alias("probability"))


def nested_total(trees: RestatedTrees) -> Column:
    """Each tree as nested conditions."""
    return F.expr(" + ".join(f"{tree.weight!r}D * {_nested(tree, 0)}" for tree in trees.trees))


def _nested(tree: Tree, place: int) -> str:
    node = tree.nodes[place]
    if node.split is None or node.children is None:
        return f"{node.prediction!r}D"
    split = node.split
    left, right = (_nested(tree, child) for child in node.children)
    if split.categories < 0:
        return f"if({_ASKED}{split.feature} <= {split.left[0]!r}D, {left}, {right})"
    return f"if({_ASKED}{split.feature} = {_only(split)!r}D, {left}, {right})"


def walked_total(trees: RestatedTrees) -> Column:
    """All nodes as constant arrays, and a walk by higher-order functions."""
    feature, is_number, value, left, right, found = _arrays(trees)
    sizes = [len(tree.nodes) for tree in trees.trees]
    roots = F.lit(np.cumsum([0, *sizes[:-1]], dtype=np.int32))
    steps = F.lit(np.zeros(max(_depth(tree, 0) for tree in trees.trees), dtype=np.int32))

    def step(asked: Column, node: Column) -> Column:
        given, there = F.get(asked, F.get(feature, node)), F.get(value, node)
        goes_left = F.when(F.get(is_number, node), given <= there).otherwise(given == there)
        return F.when(goes_left, F.get(left, node)).otherwise(F.get(right, node))

    def leaf(asked: Column, root: Column) -> Column:
        return F.get(found, F.aggregate(steps, root, lambda node, _: step(asked, node)))

    def added(asked: Column) -> Column:
        return F.aggregate(roots, F.lit(0.0), lambda total, root: total + leaf(asked, root))

    row = F.array(*[F.col(f"{_ASKED}{place}") for place in range(len(trees.asked))])
    # Or the array would be made again for each step: only a lambda's own variable is kept.
    return F.get(F.transform(F.array(row), added), F.lit(0))


def _arrays(trees: RestatedTrees) -> list[Column]:
    """Constants by node: feature, whether it is a number, value, left, right, what a leaf adds."""
    rows: list[tuple[int, bool, float, int, int, float]] = []
    for tree in trees.trees:
        root = len(rows)
        for place, node in enumerate(tree.nodes):
            if node.split is None or node.children is None:
                own = root + place
                rows.append((0, True, 0.0, own, own, tree.weight * node.prediction))
            else:
                split, (left, right) = node.split, node.children
                is_number = split.categories < 0
                value = split.left[0] if is_number else _only(split)
                rows.append((split.feature, is_number, value, root + left, root + right, 0.0))
    kinds = (np.int32, np.bool_, np.float64, np.int32, np.int32, np.float64)
    columns = zip(zip(*rows, strict=True), kinds, strict=True)
    return [F.lit(np.array(values, dtype=kind)) for values, kind in columns]


def _only(split: Split) -> float:
    (category,) = split.left
    return category


def _depth(tree: Tree, place: int) -> int:
    children = tree.nodes[place].children
    return 1 + max(_depth(tree, child) for child in children) if children else 0
