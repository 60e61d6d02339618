from __future__ import annotations

import pytest

from telco_churn.rights.granted import is_lacking, told
from telco_churn.rights.needed import Right


@pytest.mark.parametrize(
    ("granted", "expected"),
    [
        (None, False),
        (frozenset({"DESCRIBE", "DESCRIBE_CONFIGS"}), False),
        (frozenset({"DESCRIBE", "READ"}), True),
        (frozenset[str](), True),
    ],
)
def test_a_right_is_missing_where_the_broker_tells_and_does_not_name_it(
    granted: frozenset[str] | None, expected: bool
) -> None:
    right = Right("DescribeConfigs", "topic", "raw", "see its settings")
    assert is_lacking(right, granted) is expected


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (["DESCRIBE", "READ"], frozenset({"DESCRIBE", "READ"})),
        ([], None),
        (["READ"], None),
    ],
)
def test_a_list_that_cannot_be_all_is_taken_for_none(
    listed: list[str], expected: frozenset[str] | None
) -> None:
    assert told(listed) == expected
