"""What Prometheus and Alertmanager read, and the runbook that alerts link to, as text."""
