"""Publishes customer events to Kafka."""

from __future__ import annotations
