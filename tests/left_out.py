"""A plugin of pytest that leaves out tests; ./run-tests.sh uses it where programs are missing."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--without",
        default="",
        metavar="PROGRAMS",
        help="leave out the tests that need one of these programs (marked with `needs`)",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = set(config.getoption("--without").split())
    left_out = [item for item in items if missing & _needs(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def _needs(item: pytest.Item) -> set[str]:
    return {str(program) for mark in item.iter_markers("needs") for program in mark.args}
