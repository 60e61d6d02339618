"""What became of the records."""

from __future__ import annotations

from dashboards.alerts.alert import Alert, Group
from dashboards.alerts.promql import NO_RUN, at_best, over_replicas, risen
from dashboards.site import Site


def records(site: Site) -> Group:
    """The group of what is missing, refused or waits."""
    return Group(
        name="churn_stream_records",
        title="What became of the records",
        alerts=(
            _records_unaccounted(),
            _records_lost(),
            _dead_letter_burst(site),
            _lag_not_draining(site),
            _records_held_back(),
        ),
    )


def _records_unaccounted() -> Alert:
    return Alert(
        name="RecordsUnaccounted",
        severity="critical",
        expression="max_over_time(stream_records_unaccounted[1h]) > 0",
        summary="Records were read and not seen leaving",
        description="{{ $value }} records of {{ $labels.instance }} are neither predictions nor dead "
        "letters by its own count; 0 is right.",
        entry="""
            The query read more (or fewer) records than it saw leaving. That must not happen.

            - See: *Data quality*, "Unaccounted For". The alert remembers for an hour, also beyond a restart.
            - `stream_listener_errors_total` above 0: an event could not be evaluated; the count is wrong, not the
              records. A task that was tried again is counted twice by Spark: also only the count.
            - Otherwise compare the topics: `.venv/bin/python -m churn_tools.verify --broker HOST:9092` names the
              offsets that have no answer as lost (the line "batch …" in the log tells when). If there are any, keep
              the checkpoint, stop the job, report it.
            """,
    )


def _records_lost() -> Alert:
    # A stream pushes what it has lost in all: an hour ago that was no news any more.
    told = ("stream_run_records_lost", "stream_run_started_timestamp_seconds")
    return Alert(
        name="RecordsLost",
        severity="critical",
        expression=f"""
            sum without (partition) (
              {risen("stream_records_lost_total", "1h")}
            ) > 0
            or
            (
              stream_run_records_lost > 0 and time() - push_time_seconds < 3600
              unless ({" and ".join(f"{name} == last_over_time({name}[1d] offset 1h)" for name in told)})
            )
            """,
        summary="Kafka has deleted records that were not read yet",
        description="About {{ $value | humanize }} records were deleted by their topic's retention before "
        "{{ $labels.instance }} had read them. They are gone from the topic.",
        entry="""
            Kafka deleted records (retention, or somebody's `kafka-delete-records`) before the query had read
            them, within the last hour. A loss while the job was away is told by its first scrape, that of a run by
            `--trigger once` by what it pushes (`stream_run_records_lost`).

            - See: *Data quality*, "Lost" and "Records Lost".
            - They cannot be had back from the topic; ask the producers to send that time again. Then find out why
              the query was so far behind, and give the topic a `retention.ms` that survives a weekend.
            """,
    )


def _dead_letter_burst(site: Site) -> Alert:
    failed = f"kafka_messages_failed_total{NO_RUN}"

    def total(expression: str) -> str:
        """Its sum over the replicas, by topic."""
        return over_replicas(site, "sum", expression, "topic")

    return Alert(
        name="DeadLetterBurst",
        severity="warning",
        expression=f"""
            {total(f"rate({failed}[5m])")}
            > 5 * {total(f"rate({failed}[1h] offset 5m)")}
            and {total(f"increase({failed}[5m])")} > 10
            and {total(f"last_over_time({failed}[15m] offset 1h)")}
            """,
        lasting="1m",
        summary="Far more dead letters than usual",
        description='{{ $labels.job }} writes {{ printf "%.2f" $value }} dead letters a second with '
        "{{ $labels.error_type }}, more than five times its rate of the hour before.",
        entry="""
            More than five times as many dead letters of one kind as in the hour before, and more than ten. It
            knows no fixed rate; in a job's first hour it has nothing to compare with, HighErrorRate stands in.

            - See: *Data quality*, "Dead Letters by Type" and "Violations by Field".
            - One field, suddenly: a release of a producer. All fields of few customers: a test that went to the
              wrong topic. Then as in HighErrorRate.
            """,
    )


def _lag_not_draining(site: Site) -> Alert:
    lag, window = "stream_lag_seconds", site.window(15)
    best = at_best(lag, window)
    return Alert(
        name="LagNotDraining",
        severity="warning",
        # Half a minute better is no noise: the feet of the teeth are known to a scrape's interval.
        expression=f"""
            max without (topic, partition) (
              {best} > {site.limits.fresh_seconds:g}
              and {best} > {at_best(lag, window, before=True)} - 30
            )
            """,
        lasting="5m",
        summary="The backlog does not get smaller",
        description="The oldest record that waits for {{ $labels.instance }} is at best "
        "{{ $value | humanizeDuration }} old, and that has not got better for a quarter of an hour. "
        "The query takes out no more than comes in.",
        entry=f"""
            For {window} the oldest waiting record was never younger than {site.limits.fresh_seconds:g} s, and
            that has not got better by even half a minute against the {window} before.

            - See: *Latency and throughput*, "Oldest Waiting Record", "Busy Ratio".
            - As in ConsumerLagIncreasing. After an outage: if it drains, wait; the alert ends by itself.
            """,
    )


def _records_held_back() -> Alert:
    held = "stream_records_held_back[5m]"
    return Alert(
        name="RecordsHeldBack",
        severity="warning",
        # Each transaction that ends makes it fall, however many others are open by then.
        expression=f"min_over_time({held}) > 0 unless resets({held}) > 0",
        lasting="10m",
        summary="An open transaction holds records back",
        description="{{ $value }} offsets of {{ $labels.topic }}[{{ $labels.partition }}] cannot be read: "
        "a transaction before them has been open for a quarter of an hour, as long as Kafka lets any "
        "producer have one.",
        entry="""
            For a quarter of an hour no record of a partition could be read, because a transaction before it
            is open. The query reads what is committed, so its lag is 0 all the while. Kafka ends a transaction
            after its producer's `transaction.timeout.ms` (a minute unless told), at most the broker's
            `transaction.max.timeout.ms` (15 minutes); one that is older hangs, and would for ever (KIP-664).

            - See: *Overview*, "Consumer Lag"; the log names the offset.
            - Whose is it?
              `kafka-transactions.sh --bootstrap-server HOST:9092 describe-producers --topic TOPIC --partition 0`
              has its offset under `CurrentTransactionStartOffset`, and a `ProducerId`;
              `kafka-transactions.sh --bootstrap-server HOST:9092 list` says which transactional id that is.
            - A producer that runs has to commit or abort. If it is gone, starting it again ends the transaction. If
              nobody knows it, end it; its records are never read then, those behind it at once:
              `kafka-transactions.sh --bootstrap-server HOST:9092 abort --topic TOPIC --partition 0 --start-offset OFFSET`.
            """,
    )
