from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from served import Served, serve


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def served(stack: ExitStack) -> Served:
    return serve(stack)
