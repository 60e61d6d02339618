"""Scores customer events with a Spark ML pipeline. Read `pipeline.py` first."""

from __future__ import annotations

__version__ = "0.2.0"

QUERY_NAME = "churn"
"""The query's name, in Spark's pages and in its events."""
LOGGER = "kafka_consumer"
"""Name of the job's logger, and of its log file."""
