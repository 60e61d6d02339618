"""What stands in the columns and vectors of a pipeline, as expressions.

Trees look at few elements of a vector, and an element that says "this value or another" at one
number of the category. So vectors are never made: only what is looked at is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from pyspark.sql import Column


class NotRestatedError(Exception):
    """A pipeline has what is not restated here; says what."""


@dataclass(frozen=True, eq=False)
class Scalar:
    """A DOUBLE column.

    Attributes:
        value: what it holds.
        codes: it holds whole numbers from 0 that are less than this, and never null; None if it may
            hold anything.
    """

    value: Column
    codes: int | None = None


@dataclass(frozen=True, eq=False)
class Number:
    """An element of a vector: DOUBLE, never null."""

    value: Column


@dataclass(frozen=True, eq=False)
class OneOf:
    """An element of a vector: `on` where `source`, which has codes, holds `code`, else `off`."""

    source: Scalar
    code: int
    on: float = 1.0
    off: float = 0.0


Element = Number | OneOf


@dataclass(frozen=True, eq=False)
class Vector:
    """A column of vectors.

    Attributes:
        elements: each of it, NaN where the vector is null.
        is_null: BOOLEAN; None if no vector is.
    """

    elements: tuple[Element, ...]
    is_null: Column | None = None


def changed(element: Element, function: Callable[[Any], Any]) -> Element:
    """The element after `function`, which takes a column as well as a plain number."""
    match element:
        case Number(value):
            return Number(function(value))
        case OneOf():
            return replace(element, on=function(element.on), off=function(element.off))
