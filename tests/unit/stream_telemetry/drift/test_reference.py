from __future__ import annotations

import numpy as np
from made_counts import REFERENCE, made

from stream_telemetry.drift.reference import Category, Number, Reference


def test_bins_follow_from_what_was_counted_and_hold_what_training_did_not_know() -> None:
    counts = made(1000, month=0.25, year=0.5, tenure=0.9)
    found = {name: bins.tolist() for name, _, bins in REFERENCE.binned(counts.cells)}
    assert found == {
        "contract": [250, 500, 250],
        "tenure": [400, 250, 250, 100],
    }


def test_expected_shares_are_those_of_training_and_whatever_they_leave() -> None:
    found = {name: shares.tolist() for name, shares, _ in REFERENCE.binned(made().cells)}
    assert found["contract"] == [0.5, 0.5, 0.0]
    assert found["tenure"] == [0.5, 0.25, 0.25, 0.0]
    assert np.allclose(Category({"a": 0.7}).expected, [0.7, 0.3])


def test_a_feature_without_shares_is_not_counted() -> None:
    bare = Reference({"a": Category({}), "b": Category({"x": 1.0})}, {"c": Number((), ())})
    assert list(bare.known) == ["b"]
    assert bare.unknown == ("a", "c")
    assert Reference({}, {"c": Number((1.0, 2.0), (0.5, 0.5))}).unknown == ("c",)
    names = [name for name, _, _ in bare.binned(np.array([10.0, 10.0]))]
    assert names == ["b"]
