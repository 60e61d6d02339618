"""Logging of the process that runs the tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from stream_telemetry.logs.configure import close_logging


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Some tests set up all logging of their process; the next one finds it as if they had not."""
    root = logging.getLogger()
    handlers, filters, level = root.handlers[:], root.filters[:], root.level
    yield
    close_logging()
    root.handlers[:], root.filters[:] = handlers, filters
    root.setLevel(level)
