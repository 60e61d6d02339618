from __future__ import annotations

import pytest

from stream_telemetry.live.percentile import added, percentile

BOUNDS = (1.0, 2.0, 4.0)


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ([0, 10, 0, 0], 0.5, 1.5),
        ([10, 0, 0, 0], 0.5, 0.5),
        ([5, 0, 5, 0], 0.5, 1.0),
        ([5, 0, 5, 0], 0.75, 3.0),
        ([0, 0, 10, 0], 1.0, 4.0),
        ([0, 0, 10, 0], 0.0, 2.0),
        ([1, 0, 0, 9], 0.95, 4.0),
    ],
)
def test_a_percentile_is_that_of_histogram_quantile(
    counts: list[int], share: float, expected: float
) -> None:
    assert percentile(counts, BOUNDS, share) == pytest.approx(expected, abs=1e-6)


def test_without_records_there_is_none() -> None:
    assert percentile([0, 0, 0, 0], BOUNDS, 0.5) is None
    assert percentile([], BOUNDS, 0.5) is None


def test_histograms_are_added_bucket_by_bucket() -> None:
    assert added([(1, 2), (10, 20)]) == [11, 22]
    assert added([]) == []
