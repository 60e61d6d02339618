from __future__ import annotations

import time
from collections.abc import Callable

import pytest


@pytest.fixture
def seconds() -> Callable[[], float]:
    """Tells how long the test has been running."""
    began = time.monotonic()
    return lambda: time.monotonic() - began
