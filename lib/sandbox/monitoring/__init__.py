"""Prometheus, Pushgateway, Alertmanager and Grafana beside a running job.

They run on the files in `conf/` and `dashboards/`; nothing is left of them at the end.
"""
