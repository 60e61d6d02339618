"""Scores customer events with a Spark ML pipeline. Read `pipeline.py` first."""

from __future__ import annotations

__version__ = "0.2.0"
