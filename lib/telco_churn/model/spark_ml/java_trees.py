"""Trees of Spark ML, built in the JVM from their nodes."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack
from typing import Any

from py4j.java_gateway import JavaGateway, JavaObject

from telco_churn.model.spark_ml.saved_trees import Node, Split

_ML = "org.apache.spark.ml"
_NO_SPLIT = Split(-1, -1, ())


def java_root(gateway: JavaGateway, nodes: Sequence[Node], impurity: str) -> JavaObject:
    """The root of a tree; its nodes come by their places.

    Args:
        gateway: to the JVM.
        nodes: as they were saved.
        impurity: what the nodes' counts are counts for: `gini`, `entropy` or `variance`.
    """
    reader = _scala_object(gateway, f"{_ML}.tree.DecisionTreeModelReadWrite")
    saved = _scala_object(gateway, f"{_ML}.tree.DecisionTreeModelReadWrite$NodeData")
    # Spark's own form of a node on a local disk. To make one of its parts, one by one, would take
    # a dozen calls.
    whole = b"".join(_bytes(place, node) for place, node in enumerate(nodes))
    java_io = gateway.jvm.java.io
    stream = java_io.DataInputStream(java_io.ByteArrayInputStream(whole))
    java_class = getattr(gateway.jvm, f"{_ML}.tree.DecisionTreeModelReadWrite$NodeData")
    read = [saved.deserializeData(stream) for _ in nodes]
    root: JavaObject = reader.buildTreeFromNodes(java_array(gateway, java_class, read), impurity)
    return root


def java_array(gateway: JavaGateway, java_class: Any, elements: Sequence[Any]) -> JavaObject:
    """An array of the JVM with these elements."""
    array: Any = gateway.new_array(java_class, len(elements))
    for place, element in enumerate(elements):
        array[place] = element
    return array


def _scala_object(gateway: JavaGateway, name: str) -> Any:
    return getattr(getattr(gateway.jvm, f"{name}$"), "MODULE$")


def _bytes(place: int, node: Node) -> bytes:
    split = node.split or _NO_SPLIT
    left, right = node.children or (-1, -1)
    # Neither the impurity of a node, nor the number of rows in it, nor the gain is used to score.
    head = pack(">idd", place, node.prediction, 0.0) + _doubles(node.counts)
    tail = pack(">qdiii", 0, 0.0, left, right, split.feature) + _doubles(split.left)
    return head + tail + pack(">i", split.categories)


def _doubles(numbers: Sequence[float]) -> bytes:
    return pack(f">i{len(numbers)}d", len(numbers), *numbers)
