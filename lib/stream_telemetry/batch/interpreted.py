"""Expressions that Spark interprets, for what only few records need.

Spark writes Java source for a plan's expressions, by every task and for every batch, and the JVM
compiles it. It never does so for the body of a higher-order function.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F


def let(value: Column, body: Callable[[Column], Column]) -> Column:
    """`body` of `value`, which is computed once, however often it occurs there."""
    return F.get(F.transform(F.array(value), body), F.lit(0))


def data_col(value: Any, kind: str) -> Column:
    """A constant, from what JSON can hold; the optimizer makes one literal of it.

    Args:
        value: lists, dictionaries, strings, numbers.
        kind: its type, as Spark SQL writes it.
    """
    return F.from_json(F.lit(json.dumps(value)), kind)
