"""Where customers come from: a file or a generator, and not both."""

from __future__ import annotations

from pathlib import Path


def ensure_one_origin(csv: Path | None, synthetic: int | None) -> None:
    """Checks what a command was told of its customers.

    Args:
        csv: file that holds them; None if none is named.
        synthetic: how many are made up; None if none are.

    Raises:
        ValueError: they come from nowhere, or from two places.
    """
    if (csv is None) == (synthetic is None):
        raise ValueError("one of --csv FILE and --synthetic N is required, and not both")
