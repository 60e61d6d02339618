"""Rules, dashboards and runbook as code: `python -m dashboards` writes them.

What is committed is what it writes by default; with other names, labels and thresholds it writes
them for somebody else's Prometheus.
"""
