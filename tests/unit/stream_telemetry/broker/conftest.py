from __future__ import annotations

from collections.abc import Iterator

import pytest
from written_answers import Watched

from stream_telemetry.broker import lag


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setattr(lag, "POLL_SECONDS", 0.01)
    made = Watched()
    yield made
    made.thread.finish(20)
    assert made.answers.is_closed
