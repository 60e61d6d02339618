"""Whether job and query live."""

from __future__ import annotations

from dashboards.alerts.alert import Alert, Group
from dashboards.alerts.promql import INFO_LABELS, MEMORY, TO_TARGET, over_replicas
from dashboards.site import Site

LOADED = "churn_stream:alert_rules:loaded"
"""A series that is there when the alert rules are; a panel that counts alerts asks for it."""
_INFO = "kafka_consumer_info"


def life(site: Site) -> Group:
    """The group of what has died, hangs or never gets going."""
    return Group(
        name="churn_stream_life",
        title="Whether it lives",
        recorded=((LOADED, "vector(1)"),),
        alerts=(
            _job_down(site),
            _replica_gone(site),
            _query_hung(),
            _query_not_ready(),
            _restarts_too_many(site),
        ),
    )


def _job_down(site: Site) -> Alert:
    by_name = f'up{{job="{site.names.job}"}}'
    known = f'last_over_time({_INFO}{{mode!="batch"}}[{MEMORY}])'
    batch = f'last_over_time({_INFO}{{mode="batch"}}[{MEMORY}])'
    run = f"last_over_time(stream_run_started_timestamp_seconds[{MEMORY}])"
    return Alert(
        name="JobDown",
        severity="critical",
        expression=f"""
            (
              {by_name} == 0
              or
              up == 0 and {TO_TARGET} {known}
            )
            unless {TO_TARGET} {batch}
            or
            (
              {over_replicas(site, "group", known, *INFO_LABELS)}
              unless {over_replicas(site, "group", "up")}
            ) - 1
            or
            (
              absent(last_over_time({_INFO}[{MEMORY}]))
              and absent({run})
              unless on () {by_name}
            ) - 1
            """,
        lasting="1m",
        summary="The job does not answer",
        description="{{ with $labels.instance }}{{ . }}{{ else }}{{ with $labels.job }}Each target of "
        "{{ . }}{{ else }}A job of this kind{{ end }}{{ end }} has given {{ $value }} answers for a "
        "minute. It has died, or cannot be reached, or is not scraped; nothing else is known of it.",
        entry=f"""
            Prometheus gets no answer from a job's port for a minute; or a job of an environment has no
            target left, though it had one within {MEMORY}; or no job of this kind was ever seen. A job is
            known by `kafka_consumer_info`, whatever its scrape job is called, and by the name
            `{site.names.job}`. Runs by `--trigger once` come and go, and are left to RunOverdue.

            - See: Prometheus, Status → Targets, or `lastError` in `curl -s http://localhost:9090/api/v1/targets`.
              `pgrep -f jobs/churn_stream.py` on its machine.
            - No process: its exit code tells the reason (2 settings, 3 model, 4 Kafka, 5 the query failed,
              6 records deleted in Kafka, 7 a record that cannot be passed), the last line on standard error
              the value. Mend that, start it again.
            - A process: does `curl -s http://localhost:8000/health` answer on its machine? Then a firewall, or
              `--metrics-host` (127.0.0.1 unless told), or TLS stands between.
            - No target: somebody changed `scrape_configs`, or discovery finds it no more. Taken down for good: hold
              the alert back for {MEMORY}:
              `amtool --alertmanager.url=http://localhost:9093 silence add alertname=JobDown job=NAME -d {MEMORY} -c gone`.
            """,
    )


def _replica_gone(site: Site) -> Alert:
    seen = f'last_over_time({_INFO}{{mode!="batch"}}[1h])'
    of_its_job = f"ignoring ({', '.join((*INFO_LABELS, *site.names.replica_labels))})"
    return Alert(
        name="ReplicaGone",
        severity="warning",
        expression=f"""
            {seen}
            unless {TO_TARGET} up
            unless {of_its_job} (up unless up offset 1h)
            and {of_its_job} up
            """,
        lasting="5m",
        summary="A replica is no longer a target",
        description="{{ $labels.instance }} of {{ $labels.job }} was scraped within the last hour and "
        "is no target any more ({{ $value }} such replica); others of its job are, and none has "
        "taken its place.",
        entry="""
            A replica was a target within the last hour and is none now; others of its job and environment
            are, and no new one has come. If all of them are gone, JobDown fires instead. The alert ends by
            itself after an hour.

            - See: *Overview*, "Replicas" and "Consumer Lag".
            - Scaled down on purpose: nothing to do. Else service discovery does not find it: is it missing in
              `curl -s http://localhost:9090/api/v1/targets`? Its records wait in Kafka, if it has ended.
            """,
    )


def _query_hung() -> Alert:
    return Alert(
        name="QueryHung",
        severity="critical",
        expression='stream_progress_age_seconds and ignoring (state) stream_state{state="stalled"} == 1',
        lasting="1m",
        summary="The query makes no progress",
        description="The query at {{ $labels.instance }} was last heard of "
        "{{ $value | humanizeDuration }} ago, though its process lives: longer than its trigger "
        "promises.",
        entry="""
            The process answers, the query has made no sound for longer than its trigger promises (three
            intervals, at least a minute).

            - See: *Overview*, "Since Progress" and "State".
            - If the broker is away, wait for it. Else take the threads: `pkill -QUIT -f deploy.SparkSubmit` prints them
              on the job's console, the Spark page has them under "Thread Dump". They say what it waits for, often a
              slow checkpoint store. Then restart: `/health/live` asks for that too after 10 minutes.
            """,
    )


def _query_not_ready() -> Alert:
    return Alert(
        name="QueryNotReady",
        severity="warning",
        expression="""
            sum without (state) (avg_over_time(stream_state{state=~"running|idle|lagging|slow_sink"}[10m])) < 0.5
            """,
        lasting="5m",
        summary="The query is more often away than at work",
        description="In the last 10 minutes the query at {{ $labels.instance }} was at work for "
        "{{ $value | humanizePercentage }} of the time. It does not get beyond its start, or fails "
        "again and again.",
        entry="""
            In the last 10 minutes the query was starting, stalled, stopping or failed for most of the time.

            - See: *Overview*, "State"; the log says why it failed.
            - A query that fails on the same record again and again: the log names the batch, the checkpoint's
              `offsets/` its records.
            """,
    )


def _restarts_too_many(site: Site) -> Alert:
    limit = site.limits.restarts
    return Alert(
        name="RestartsTooMany",
        severity="warning",
        expression=f"""
            increase(stream_restarts_total[1h]) + changes(process_start_time_seconds[1h]) > {limit:g}
            """,
        summary="The query is started again and again",
        description="The query at {{ $labels.instance }} was started again {{ $value | humanize }} "
        f"times within an hour; more than {limit:g} is not a passing failure. Each one repeats what its "
        "last batch had written.",
        entry=f"""
            More than {limit:g} starts within an hour, of the query or its process, whether a batch ended in
            between or not. Each may write the last batch again; `source_topic/partition/offset` tell the copies.

            - See: *Overview*, "Restarts"; the log before each start.
            - An exit code that does not change (2, 3, 4, 6) will not mend itself: stop the supervisor, mend it.
            - "the wall clock was set back": a query waits for its trigger by that clock, so it is started again each
              time. Let the machine's time service slew the clock, and its hypervisor not set it.
            - Killed without a word: the machine lacks memory (`dmesg`); give it more or lower `--driver-memory`.
            """,
    )
