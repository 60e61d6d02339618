"""A value's number, looked up in two constants."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pyspark.sql import Column
from pyspark.sql import functions as F


def lookup_col(value: Column, numbers: Mapping[str, float], other: float) -> Column:
    """DOUBLE: the number of a STRING column's value; `other` for null and what is not listed.

    Looked up by the place of the value in a list, which Spark sees as two constants.
    """
    # Neither an empty value nor one with a comma can be found in such a list.
    listed = [text for text in numbers if text and "," not in text]
    in_order = [other, *(numbers[text] for text in listed)]
    place = F.coalesce(F.find_in_set(value, F.lit(",".join(listed))), F.lit(0))
    found = F.get(F.lit(np.array(in_order)), place)
    for text in numbers.keys() - set(listed):
        found = F.when(value == text, F.lit(numbers[text])).otherwise(found)
    return found
