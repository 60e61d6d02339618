"""Without Spark: which plain number a tree asks about, and where each answer leads."""

from __future__ import annotations

from typing import cast

import pytest
from pyspark.sql import Column

from telco_churn.model.spark_ml.saved_trees import Node, Split, Tree
from telco_churn.model.spark_trees.elements import Number, OneOf, Scalar
from telco_churn.model.spark_trees.restating import Questions

NO_COLUMN = cast(Column, None)
COLOR = Scalar(NO_COLUMN, codes=3)
SIZE = Number(NO_COLUMN)
ELEMENTS = (OneOf(COLOR, 0), OneOf(COLOR, 1), SIZE, OneOf(COLOR, 1, on=3.0, off=-1.0))

IS_NUMBER = -1


def leaf(prediction: float) -> Node:
    return Node(prediction, ())


def tree_of(split: Split) -> Tree:
    return Tree((Node(0.0, (), (1, 2), split), leaf(10.0), leaf(20.0)))


def restated(tree: Tree) -> Tree:
    return Questions(ELEMENTS).restated(tree, lambda node: node.prediction)


def answers(tree: Tree) -> tuple[float, float]:
    """What is found for yes and for no, at a root that asks for one category."""
    root = tree.nodes[0]
    assert root.children is not None
    left, right = (tree.nodes[child].prediction for child in root.children)
    return left, right


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        (Split(1, IS_NUMBER, (0.5,)), (20.0, 10.0)),
        (Split(1, 2, (0.0,)), (20.0, 10.0)),
        (Split(1, 2, (1.0,)), (10.0, 20.0)),
        (Split(3, IS_NUMBER, (0.0,)), (20.0, 10.0)),
        # Three of four: Spark asks for the fourth, and what is none of them goes to the left.
        (Split(1, 4, (0.0, 2.0, 3.0)), (20.0, 10.0)),
        (Split(3, 4, (0.0, 1.0, 2.0)), (20.0, 10.0)),
    ],
)
def test_a_split_on_one_or_zero_asks_for_the_category(
    split: Split, expected: tuple[float, float]
) -> None:
    tree = restated(tree_of(split))
    assert tree.nodes[0].split == Split(0, 3, (1.0,))
    assert answers(tree) == expected


@pytest.mark.parametrize(
    ("split", "found"),
    [
        (Split(1, IS_NUMBER, (1.0,)), 10.0),
        (Split(1, IS_NUMBER, (-0.5,)), 20.0),
        (Split(3, 2, (0.0, 1.0)), 10.0),
    ],
)
def test_a_split_that_all_answers_pass_alike_is_left_out(split: Split, found: float) -> None:
    assert [node.prediction for node in restated(tree_of(split)).nodes] == [found]


def test_a_split_on_a_number_stays_as_it_is() -> None:
    tree = restated(tree_of(Split(2, IS_NUMBER, (7.5,))))
    assert tree.nodes[0].split == Split(0, IS_NUMBER, (7.5,))
    assert answers(tree) == (10.0, 20.0)


def test_each_number_has_one_place_in_all_trees_and_parents_come_first() -> None:
    below = Node(0.0, (), (3, 4), Split(2, IS_NUMBER, (1.0,)))
    root = Node(0.0, (), (1, 2), Split(0, IS_NUMBER, (0.5,)))
    deep = Tree((root, leaf(1.0), below, leaf(2.0), leaf(3.0)), weight=0.5)
    questions = Questions(ELEMENTS)
    first = questions.restated(deep, lambda node: node.prediction)
    second = questions.restated(tree_of(Split(1, 2, (1.0,))), lambda node: node.prediction)
    assert list(questions.places) == [COLOR, SIZE]
    assert first.weight == 0.5
    assert [node.split and node.split.feature for node in first.nodes] == [0, 1, None, None, None]
    assert [node.children for node in first.nodes[:2]] == [(1, 4), (2, 3)]
    assert second.nodes[0].split == Split(0, 3, (1.0,))
