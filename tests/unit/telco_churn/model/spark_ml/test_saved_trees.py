"""Without Spark: nodes as parquet tells of them, in one text each."""

from __future__ import annotations

import pytest

from telco_churn.model.spark_ml.saved_trees import Node, Split, Tree, trees_of

LEAF = """\
id: {id}
prediction: 1.0
impurity: 0.0
impurityStats
  list
    element: 3.0
  list
    element: 1.5E-3
rawCount: 4
gain: -1.0
leftChild: -1
rightChild: -1
split
  featureIndex: -1
  leftCategoriesOrThreshold
  numCategories: -1
"""
ROOT = """\
id: 0
prediction: 0.0
impurity: 0.5
impurityStats
  array: 8.0
  array: 2.0
rawCount: 10
gain: 0.1
leftChild: {left}
rightChild: {right}
split
  featureIndex: 7
  leftCategoriesOrThreshold
    list
      element: 0.0
    list
      element: 2.0
  numCategories: 3
"""


def in_ensemble(tree: int, node: str) -> str:
    nested = "".join(f"  {line}\n" for line in node.splitlines())
    return f"treeID: {tree}\nnodeData\n{nested}"


def nodes(left: int = 1, right: int = 2) -> list[str]:
    return [LEAF.format(id=2), ROOT.format(left=left, right=right), LEAF.format(id=1)]


SPLIT = Split(feature=7, categories=3, left=(0.0, 2.0))
ROOT_NODE = Node(0.0, (8.0, 2.0), (1, 2), SPLIT)
LEAF_NODE = Node(1.0, (3.0, 0.0015))


def test_nodes_are_put_into_their_places() -> None:
    assert trees_of(nodes(), []) == (Tree((ROOT_NODE, LEAF_NODE, LEAF_NODE)),)


def test_trees_of_an_ensemble_come_in_their_order_with_their_weights() -> None:
    rows = [in_ensemble(1, LEAF.format(id=0)), *(in_ensemble(0, node) for node in nodes())]
    told: list[dict[str, object]] = [
        {"treeID": 0, "metadata": "", "weights": 0.1},
        {"_1": 1, "_2": "", "_3": 1.0},
    ]
    first = Tree((ROOT_NODE, LEAF_NODE, LEAF_NODE), weight=0.1)
    assert trees_of(rows, told) == (first, Tree((LEAF_NODE,), weight=1.0))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (nodes()[:2], "are missing"),
        (nodes(left=2), "not joined to one tree"),
        (nodes(left=0), "not joined to one tree"),
        ([], "1 trees are told of, and 0 have nodes"),
        ([LEAF.format(id="one")], "invalid literal"),
    ],
)
def test_nodes_that_are_no_tree_are_refused(broken: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        trees_of(broken, [])


def test_a_node_without_a_field_is_refused() -> None:
    with pytest.raises(KeyError, match="prediction"):
        trees_of([LEAF.format(id=0).replace("prediction", "forecast")], [])
