"""Fits, judges and saves the model."""

from __future__ import annotations
