"""Made-up customers, whole and broken."""

from __future__ import annotations
