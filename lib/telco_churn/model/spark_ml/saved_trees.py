"""The trees of a saved model, node by node.

A forest has thousands of nodes, and each call to the JVM takes a tenth of a millisecond. So a node
is fetched as one text, the one that parquet itself makes of it, and not field by field.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

TREES = (
    "DecisionTreeClassificationModel",
    "RandomForestClassificationModel",
    "GBTClassificationModel",
)
"""The classes of models that are made of trees."""

_WRAPPERS = {"list", "element", "array", "bag"}
"""Groups that parquet puts between a list and its elements."""


@dataclass(frozen=True)
class Split:
    """Asks where to go on.

    Attributes:
        feature: the element of the vector that is looked at.
        categories: how many values it may have; -1 for any number.
        left: the values that go to the left; for any number the greatest that does.
    """

    feature: int
    categories: int
    left: tuple[float, ...]


@dataclass(frozen=True)
class Node:
    """A node of a tree.

    Attributes:
        prediction: what a leaf of a regression says.
        counts: weights of the classes that a leaf was fitted to.
        children: places of the left and the right one; None for a leaf.
        split: None for a leaf.
    """

    prediction: float
    counts: tuple[float, ...]
    children: tuple[int, int] | None = None
    split: Split | None = None


@dataclass(frozen=True)
class Tree:
    """Nodes by their places, the root first; and what the tree counts in its ensemble."""

    nodes: tuple[Node, ...]
    weight: float = 1.0


def trees_of(nodes: Iterable[str], trees: Iterable[Mapping[str, object]]) -> tuple[Tree, ...]:
    """The trees, in order.

    Args:
        nodes: parquet's text of each, in any order.
        trees: what an ensemble says of each tree: number, metadata, weight; none for a tree alone.

    Raises:
        LookupError: a field is missing.
        ValueError: a field is no number, or nodes are.
    """
    grouped: dict[int, dict[int, Node]] = defaultdict(dict)
    for text in nodes:
        fields = _fields(text)
        number = int(fields["treeID"][0]) if "treeID" in fields else 0
        grouped[number][int(fields["id"][0])] = _node(fields)
    # Spark 4.2 gives these columns no names of their own, as earlier ones did.
    weights = {number: weight for number, _, weight in (tree.values() for tree in trees)}
    weights = weights or {0: 1.0}
    if grouped.keys() != weights.keys():
        raise ValueError(f"{len(weights)} trees are told of, and {len(grouped)} have nodes")
    return tuple(Tree(_in_order(grouped[k]), float(str(weights[k]))) for k in sorted(grouped))


def _in_order(nodes: Mapping[int, Node]) -> tuple[Node, ...]:
    if sorted(nodes) != list(range(len(nodes))):
        raise ValueError("nodes of a tree are missing")
    children = [child for node in nodes.values() for child in node.children or ()]
    # Each comes after its parent, so that no walk goes in circles.
    if sorted(children) != list(range(1, len(nodes))) or any(
        child <= place for place, node in nodes.items() for child in node.children or ()
    ):
        raise ValueError("nodes of a tree are not joined to one tree")
    return tuple(nodes[place] for place in range(len(nodes)))


def _node(fields: Mapping[str, Sequence[str]]) -> Node:
    def numbers(name: str) -> tuple[float, ...]:
        return tuple(map(float, fields.get(name, ())))

    prediction, counts = float(fields["prediction"][0]), numbers("impurityStats")
    left, right = (int(fields[name][0]) for name in ("leftChild", "rightChild"))
    if left < 0:
        return Node(prediction, counts)
    feature, categories = (int(fields[name][0]) for name in ("featureIndex", "numCategories"))
    split = Split(feature, categories, numbers("leftCategoriesOrThreshold"))
    return Node(prediction, counts, (left, right), split)


def _fields(text: str) -> Mapping[str, Sequence[str]]:
    """The values below each name: numbers are nested, but no name comes twice."""
    fields: dict[str, list[str]] = defaultdict(list)
    group = ""
    for line in text.splitlines():
        name, is_value, value = line.strip().partition(": ")
        is_wrapper = name in _WRAPPERS
        if is_value:
            fields[group if is_wrapper else name].append(value)
        elif not is_wrapper:
            group = name
    return dict(fields)
