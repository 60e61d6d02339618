"""Telemetry and life cycle for any Structured Streaming query. Knows nothing of churn."""
