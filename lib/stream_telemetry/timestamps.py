"""Moments as text, the same wherever one is written."""

from __future__ import annotations

from datetime import datetime


def iso_utc(moment: datetime) -> str:
    """A moment of UTC in ISO 8601, in milliseconds: `2026-11-28T04:30:00.000Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
