"""`prometheus.yml` and `alertmanager.yml`: examples to begin with."""

from __future__ import annotations

from dashboards.rules.rule_files import MADE
from dashboards.site import Site

SPARK_FIGURES = (
    "metrics_churn_stream_driver_(jvm_heap_(used|max)|LiveListenerBus_queue_streams_numDroppedEvents"
    "|spark_streaming_.*Rate_total)_(Value|Count)"
)
"""Of some 450 series that the driver's page shows, those that a panel does."""

DEATH_EXPLAINS = (
    *("ConsumerDisconnected", "ModelNotLoaded", "QueryHung", "QueryNotReady"),
    *("HighProcessingLatency", "ConsumerLagIncreasing", "LagNotDraining", "RecordsHeldBack"),
    "TelemetryThreadDown",
)
"""Alerts about a replica that say no more than its death; never what became of records."""
OUTAGE_EXPLAINS = (
    *("QueryHung", "QueryNotReady", "RestartsTooMany"),
    *("ConsumerLagIncreasing", "LagNotDraining", "RecordsHeldBack"),
)
"""Alerts about a replica that say no more than that it has lost its broker."""


def prometheus_file(site: Site) -> str:
    """What Prometheus reads, how often, and where its alerts go."""
    labels = "".join(
        f"\n          {name}: {'dev' if name == 'environment' else 'your-own'}"
        for name in site.names.environment_labels
    )
    labels = f"\n        labels:\n          service: telco-churn-consumer{labels}"
    return f"""\
# What Prometheus reads, how often, and where its alerts go. `./monitoring.sh` starts it beside a
# sandbox run with these very files, other ports put in.
# {MADE}
global:
  scrape_interval: 15s
  evaluation_interval: 15s

rule_files:
  - recording.yml
  - alerts.yml

alerting:
  alertmanagers:
    - static_configs:
        - targets: ['localhost:9093']

scrape_configs:
  - job_name: {site.names.job}
    static_configs:
      - targets: ['{site.names.target}']{labels}

  # Spark's own figures, at the port of its page.
  - job_name: spark_driver
    metrics_path: /metrics/prometheus/
    static_configs:
      - targets: ['localhost:4040']{labels}
    metric_relabel_configs:
      # Of some 450 series, those that a panel shows.
      - source_labels: [__name__]
        regex: {SPARK_FIGURES}
        action: keep
  - job_name: spark_executors
    metrics_path: /metrics/executors/prometheus/
    static_configs:
      - targets: ['localhost:4040']{labels}

  # Its groups carry the job and instance of the run that pushed them.
  - job_name: pushgateway
    honor_labels: true
    static_configs:
      - targets: ['localhost:9091']
"""


def alertmanager_file(site: Site) -> str:
    """Who hears of an alert, when, and which one explains which."""
    parts = (_mail(), _routes(site), _inhibitions(site), _RECEIVERS)
    return "\n".join(parts)


def _mail() -> str:
    return f"""\
# Who hears of an alert, and when. Addresses and the server are examples; the password is in a file
# that only Alertmanager's user may read.
# {MADE}
global:
  resolve_timeout: 5m
  smtp_smarthost: smtp.example.com:587
  smtp_from: alertmanager@example.com
  smtp_auth_username: alertmanager@example.com
  smtp_auth_password_file: /etc/alertmanager/smtp_password
"""


def _routes(site: Site) -> str:
    environment = ", ".join(("job", *site.names.environment_labels))
    return f"""\
route:
  receiver: email-notifications
  # One mail for what belongs together: an alert of all replicas of a job in one environment.
  group_by: [alertname, severity, {environment}]
  group_wait: 10s
  group_interval: 10s
  repeat_interval: 12h
  routes:
    - matchers: [severity="critical"]
      receiver: on-call
      repeat_interval: 1h
    - matchers: [severity="warning"]
      group_wait: 1m
"""


def _inhibitions(site: Site) -> str:
    environment = ", ".join(("job", *site.names.environment_labels))
    target = ", ".join(site.target_labels)
    return f"""\
# An alert holds back others about the same target, or about the same job where neither is about one
# target. What became of records is never held back by the death of a replica.
inhibit_rules:
  # Nothing else is known of a replica that does not answer.
  - source_matchers: [alertname="JobDown"]
    target_matchers:
      - alertname=~"{"|".join(DEATH_EXPLAINS)}"
    equal: [{target}]
  # Without the broker every query hangs, and lags.
  - source_matchers: [alertname="ConsumerDisconnected"]
    target_matchers:
      - alertname=~"{"|".join(OUTAGE_EXPLAINS)}"
    equal: [{target}]
  # The lesser trouble is known by the larger one.
  - source_matchers: [alertname="BadRecordsBurnFast"]
    target_matchers: [alertname=~"BadRecordsBurnSlow|HighErrorRate|DeadLetterBurst"]
    equal: [{environment}]
  - source_matchers: [alertname="LateRecordsBurnFast"]
    target_matchers: [alertname="LateRecordsBurnSlow"]
    equal: [{environment}]
  # A run that is overdue because the latest one failed.
  - source_matchers: [alertname="RunOverdue"]
    target_matchers: [alertname=~"RunFailed|StalePush"]
    equal: [{target}]
"""


_RECEIVERS = """\
receivers:
  - name: on-call
    email_configs:
      - to: on-call@example.com
        send_resolved: true
  - name: email-notifications
    email_configs:
      - to: team@example.com
        send_resolved: true
"""
