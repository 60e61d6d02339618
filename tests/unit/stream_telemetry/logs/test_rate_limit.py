"""How many lines may be written."""

from __future__ import annotations

from stream_telemetry.logs.rate_limit import RateLimit


def test_an_allowance_fills_up_to_a_second_and_no_further() -> None:
    now = [0.0]
    allowance = RateLimit(10, lambda: now[0])
    assert [allowance.take() for _ in range(12)] == [True] * 10 + [False] * 2
    now[0] = 0.25
    assert [allowance.take() for _ in range(4)] == [True, True, False, False]
    now[0] = 100.0
    assert sum(allowance.take() for _ in range(30)) == 10
