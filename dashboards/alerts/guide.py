"""The six alerts of the observability guide, under its names and thresholds."""

from __future__ import annotations

from dashboards.alerts.alert import Alert, Group
from dashboards.alerts.promql import NO_RUN, at_best, over_replicas
from dashboards.site import Site

_INTRODUCTION = """\
Names and thresholds are those of the observability guide that the project follows; each works with
`alerts.yml` alone. Where the guide's expressions add up environments, divide by zero or follow the
moment of a scrape, they were mended; each entry says how. All but the two about records a second
are judged for each replica. None fires for a job that is dead: JobDown speaks for all.
"""


def guide(site: Site) -> Group:
    """The guide's group."""
    return Group(
        name="kafka_consumer_alerts",
        title="The guide's alerts",
        introduction=_INTRODUCTION,
        interval="30s",
        alerts=(
            _high_error_rate(site),
            _consumer_disconnected(),
            _model_not_loaded(),
            _high_processing_latency(site),
            _consumer_lag_increasing(site),
            _low_throughput(site),
        ),
    )


def _high_error_rate(site: Site) -> Alert:
    failed = "kafka_messages_failed_total[5m]"
    processed = "rate(kafka_messages_processed_total[5m])"
    limit = site.limits.error_share
    return Alert(
        name="HighErrorRate",
        severity="warning",
        expression=f"""
            {over_replicas(site, "sum", f"rate({failed})", "topic", "error_type")}
            / {over_replicas(site, "sum", processed, "topic", "status")}
            > {limit:g}
            and {over_replicas(site, "sum", f"increase({failed})", "topic", "error_type")} > 10
            """,
        lasting="5m",
        summary=f"More than {limit * 100:g} % of the records are refused",
        description="{{ $value | humanizePercentage }} of the records of {{ $labels.job }} became "
        f"dead letters in the last 5 minutes; up to {limit * 100:g}% is accepted. Either a producer "
        "sends what the contract does not allow, or the contract or the model has changed.",
        entry=f"""
            More than {limit * 100:g} % of the records became dead letters, for 5 minutes.
            **Differs from the guide**: each environment is judged by itself, and more than ten dead
            letters within 5 minutes must be there, so that a quiet night wakes nobody with two.

            - See: *Overview*, "Success Rate (%)" and "Error Types Distribution"; *Data quality* names the fields.
            - `validation_error`: a producer sends what the contract does not allow. Rules broken most:
              `jq -r '.violations[]?' logs/kafka_consumer.log | sort | uniq -c | sort -nr | head`. The next dead letters:
              `kafka-console-consumer.sh --bootstrap-server HOST:9092 --topic telco.deadletter --max-messages 5 --formatter-property print.headers=true`:
              `validation_errors` names field and rule, `source_*` headers the record. Talk to its producer; once
              mended, send the dead letters in again (docs/replay.md).
            - `processing_error`, `inference_error`: the model or the features do not fit what comes in. Was a model
              deployed? Go back to the one before (`--model-path`).
            """,
    )


def _consumer_disconnected() -> Alert:
    return Alert(
        name="ConsumerDisconnected",
        severity="critical",
        expression="kafka_consumer_broker_connected == 0",
        lasting="1m",
        summary="The consumer has lost the Kafka broker",
        description="{{ $labels.instance }} shows {{ $value }} as its connection for a minute, 1 is "
        "right. Records wait in Kafka until the broker is reached again.",
        entry="""
            The broker has not answered the job for a minute. Records wait in Kafka; none are lost before
            its retention ends. The guide's expression, for each replica.

            - See: *Overview*, "Consumer Health"; `stream_broker_poll_errors_total` rises.
            - Is the broker up, and reachable from there? `timeout 3 bash -c "</dev/tcp/HOST/9092"`. Has its address,
              certificate or password changed? The job reconnects by itself; a restart does not help.
            """,
    )


def _model_not_loaded() -> Alert:
    return Alert(
        name="ModelNotLoaded",
        severity="critical",
        expression="kafka_consumer_model_loaded == 0",
        lasting="1m",
        summary="No model is loaded",
        description="{{ $labels.instance }} shows {{ $value }} loaded models for a minute, 1 is "
        "right. Nothing is scored without it.",
        entry="""
            The job runs without a model for a minute, so it scores nothing. The guide's expression, for
            each replica.

            - See: *Overview*, "Consumer Health"; `model_loaded` in `/health` is not `pass`.
            - Loading takes seconds. Longer: the disk or the file system of `--model-path` hangs. A model that is
              missing or tampered with ends the job (exit code 3) with one line that names the file.
            """,
    )


def _high_processing_latency(site: Site) -> Alert:
    part = 'kafka_processing_latency_seconds_{}{{operation="total"}}[5m]'
    limit = site.limits.slow_seconds
    return Alert(
        name="HighProcessingLatency",
        severity="warning",
        expression=f"""
            histogram_quantile(0.95, rate({part.format("bucket")})) > {limit:g}
            and increase({part.format("count")}) > 10
            """,
        lasting="5m",
        summary="Records take long in the plan",
        description="One record in twenty at {{ $labels.instance }} spends "
        "{{ $value | humanizeDuration }} or more in the plan; up to "
        f"{limit:g}s is accepted, microseconds are usual. The executors lack CPU, or collect "
        "garbage.",
        entry=f"""
            One record in twenty spends more than {limit:g} s in the plan; microseconds are usual. This is
            not the waiting time (see LateRecordsBurnFast). The guide's expression, for each replica, with
            more than ten records within 5 minutes: fewer have no 95th percentile.

            - See: *Overview*, "95th Percentile Latency by Operation": which step is it? *Engine*: garbage
              collection, heap.
            - A step that waits for CPU: fewer tasks at a time, or more cores. Long collections: more
              `--driver-memory` (or `--executor-memory`).
            """,
    )


def _consumer_lag_increasing(site: Site) -> Alert:
    lag, window = "kafka_consumer_lag", site.window(10)
    best = at_best(lag, window)
    limit = site.limits.lag
    return Alert(
        name="ConsumerLagIncreasing",
        severity="warning",
        expression=f"""
            {lag} > {limit:g}
            and
            {best} - {at_best(lag, window, before=True)}
            > 0.1 * (max_over_time({lag}[{window}]) - {best})
            """,
        lasting="10m",
        summary="The query falls behind",
        description="{{ $value }} records wait in {{ $labels.topic }}[{{ $labels.partition }}], and "
        f"they get more; up to {limit:g} are accepted. More comes in than the query takes out.",
        entry=f"""
            More than {limit:g} records wait in a partition, and they get more, for 10 minutes.
            **Differs from the guide**, whose slope over 5 minutes follows the teeth that each batch makes:
            here the least that waited within {window} has risen, by more than a tenth of a tooth.

            - See: *Overview*, "Consumer Lag"; *Latency and throughput*, "Busy Ratio".
            - Busy ratio near 1: the query has no reserve. Larger batches cost less a record (a longer
              `--trigger`, a larger `--max-offsets-per-trigger`), then more cores. Busy ratio low: a bound of
              `--max-offsets-per-trigger` may be too small for the trigger.
            - Only one partition: a key that dominates; spread it at the producer.
            """,
    )


def _low_throughput(site: Site) -> Alert:
    connected = over_replicas(site, "max", "kafka_consumer_broker_connected")
    processed = f"rate(kafka_messages_processed_total{NO_RUN}[5m])"
    limit = site.limits.throughput
    return Alert(
        name="LowThroughput",
        severity="warning",
        expression=f"""
            {over_replicas(site, "sum", processed, "topic", "status")} < {limit:g}
            unless {connected} == 0
            """,
        lasting="10m",
        summary="Hardly any records come through",
        description='{{ $labels.job }} deals with {{ printf "%.2f" $value }} records a second, at '
        f"least {limit:g} is expected. If none wait (lag 0), the producers are silent; else the query is "
        "slow.",
        entry=f"""
            Less than {limit:g} records a second, for 10 minutes. **Differs from the guide**: each environment
            is judged by itself, and a job that has lost its broker is left to ConsumerDisconnected. An idle
            job fires too, as the guide wants it: write the rules with another `--throughput` (0: never) for
            a topic that is quiet by nature.

            - See: *Overview*, "Message Processing Rate (msg/sec)" beside "Consumer Lag".
            - Lag 0: nothing comes in, ask the producers. Lag above 0: the query is slow or hangs, see its alerts.
            """,
    )
