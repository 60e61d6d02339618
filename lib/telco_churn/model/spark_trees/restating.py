"""Trees that ask about few plain numbers, instead of about the elements of a long vector.

A tree over encoded categories asks "is the contract monthly?" of an element that is 1 or 0. Here
it asks the same of the category's number, so that fifty elements become fifteen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from pyspark.sql import Column

from telco_churn.model.spark_ml.saved_trees import Node, Split, Tree
from telco_churn.model.spark_trees.elements import Element, Number, OneOf, Scalar

# A regression's nodes have three counts; no score depends on them.
_NO_COUNTS = (0.0, 0.0, 0.0)


@dataclass
class Questions:
    """What trees ask about, as they are restated one after another.

    Attributes:
        elements: those of the vector that the trees were fitted to.
        places: of what they ask about now.
    """

    elements: Sequence[Element]
    places: dict[Scalar | Number, int] = field(default_factory=dict)

    def columns(self) -> list[Column]:
        """DOUBLE columns, by their places; none is null."""
        return [asked.value for asked in self.places]

    def restated(self, tree: Tree, leaf: Callable[[Node], float]) -> Tree:
        """The tree over `columns`, each leaf with what `leaf` says of it as its prediction."""
        nodes: list[Node] = []

        def add(place: int) -> int:
            node = tree.nodes[place]
            if node.split is None or node.children is None:
                nodes.append(Node(leaf(node), _NO_COUNTS))
                return len(nodes) - 1
            split, children = self._asked(node.split, *node.children)
            if split is None:
                return add(children[0])
            own = len(nodes)
            nodes.append(node)
            # Children come after their parent, so it gets them when they have their places.
            left, right = map(add, children)
            nodes[own] = Node(0.0, _NO_COUNTS, (left, right), split)
            return own

        add(0)
        return replace(tree, nodes=tuple(nodes))

    def _asked(self, split: Split, left: int, right: int) -> tuple[Split | None, tuple[int, int]]:
        """The question over `columns`, if it is one, and where yes and no lead to."""
        match self.elements[split.feature]:
            case Number() as number:
                return replace(split, feature=self._place(number)), (left, right)
            case OneOf(source, code, on, off):
                if_on, if_off = (_next(split, value, left, right) for value in (on, off))
                if if_on == if_off:
                    return None, (if_on, if_off)
                categories = max(source.codes or 0, code + 1, 2)
                asked = Split(self._place(source), categories, (float(code),))
                return asked, (if_on, if_off)

    def _place(self, asked: Scalar | Number) -> int:
        return self.places.setdefault(asked, len(self.places))


def _next(split: Split, value: float, left: int, right: int) -> int:
    """Where Spark goes with a value."""
    if split.categories < 0:
        return left if value <= split.left[0] else right
    # Spark keeps the smaller part of the categories; what is in neither is not in that one.
    if len(split.left) <= split.categories // 2:
        return left if value in split.left else right
    others = set(range(split.categories)).difference(split.left)
    return right if value in others else left
