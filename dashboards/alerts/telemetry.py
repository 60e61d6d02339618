"""Pushes, scheduled runs, and the telemetry itself."""

from __future__ import annotations

from dashboards.alerts.alert import Alert, Group
from dashboards.alerts.promql import MEMORY, risen


def runs() -> Group:
    """The group of what is pushed."""
    return Group(
        name="churn_stream_runs",
        title="Pushes and scheduled runs",
        introduction="""\
What a run pushes to a Pushgateway: from its first moment, at least every minute, and its end with the
exit code. Tell runs apart that push to one gateway by `--pushgateway-labels environment=prod,…`.
""",
        alerts=(_stale_push(), _pushes_fail(), _run_failed(), _run_overdue()),
    )


def telemetry() -> Group:
    """The group of what watches."""
    return Group(
        name="churn_stream_telemetry",
        title="Telemetry itself",
        alerts=(_log_lines_lost(), _telemetry_thread_down()),
    )


def _stale_push() -> Alert:
    return Alert(
        name="StalePush",
        severity="warning",
        expression="time() - push_time_seconds > 900 and stream_run_end_timestamp_seconds == 0",
        lasting="5m",
        summary="A run has not pushed its figures for long",
        description="The run of {{ $labels.instance }} last pushed its figures "
        "{{ $value | humanizeDuration }} ago, and has not said that it ended. It was killed, or "
        "cannot reach the Pushgateway.",
        entry="""
            A run has pushed nothing for 15 minutes and has not said that it ended. It pushes every minute,
            also when it is idle.

            - See: *Scheduled runs*, "Latest Run" and "Last Push".
            - Killed without a chance to clean up: start it again, or delete its group and that of the guide's figures:
              `curl -X DELETE http://localhost:9091/metrics/job/churn/instance/GROUP` and the same with `/run/once`
              at the end; what `--pushgateway-labels` add comes before that, as `/environment/prod`.
            - Alive: its pushes are refused, as in PushesFail.
            """,
    )


def _pushes_fail() -> Alert:
    return Alert(
        name="PushesFail",
        severity="warning",
        # A gateway that is away takes its series along, so only who pushes can tell.
        expression="increase(stream_push_errors_total[5m]) > 0",
        lasting="10m",
        summary="The Pushgateway does not take what the job pushes",
        description="The Pushgateway did not take {{ $value | humanize }} pushes of "
        "{{ $labels.instance }} in the last 5 minutes, nor all of those before. What it shows of this "
        "run is old, or nothing.",
        entry="""
            For 10 minutes pushes have failed, of a job that is scraped too. Records are dealt with as before. What
            the Pushgateway holds of the run stands still; if it is gone, StalePush has nothing to go by.

            - See: *Engine*, "Telemetry Errors".
            - Does it answer on the job's machine? `curl -i -m 5 http://localhost:9091/-/ready` has to say `200 OK`. 401:
              `--pushgateway-login-file` has another login. No answer: it is down, or TLS or a firewall stands between.
              200: it refuses what is pushed, its own log says why.
            """,
    )


def _run_failed() -> Alert:
    return Alert(
        name="RunFailed",
        severity="warning",
        expression="""
            time() - (stream_run_end_timestamp_seconds > 0)
            and stream_run_succeeded == 0
            """,
        summary="A run has failed",
        description="The latest run of {{ $labels.instance }} failed {{ $value | humanizeDuration }} "
        "ago, and none has begun since.",
        entry="""
            The latest run ended with an error; its figures stay at the Pushgateway until the next one begins.

            - See: *Scheduled runs*, "Latest Run" and "Exit Code": 2 settings, 3 model, 4 Kafka, 5 the query failed,
              6 records deleted in Kafka, 7 a record that cannot be passed, 1 anything else. The log has the reason.
            - Start it again once that is mended; what it had read is in its checkpoint.
            """,
    )


def _run_overdue() -> Alert:
    def latest(name: str) -> str:
        """The last value that the Pushgateway has told."""
        return f"last_over_time(stream_run_{name}_seconds[{MEMORY}])"

    return Alert(
        name="RunOverdue",
        severity="critical",
        expression=f"""
            time() - (
              {latest("last_success_timestamp")}
              or {latest("started_timestamp")}
            )
            > 1.25 * ({latest("expected_interval")} > 0)
            """,
        lasting="1m",
        summary="A scheduled run has not succeeded for longer than expected",
        description="The last success of {{ $labels.instance }} was {{ $value | humanizeDuration }} "
        "ago: more than a quarter longer than its --expected-interval.",
        entry=f"""
            No run has succeeded for a quarter longer than `--expected-interval` says: the schedule does not
            start it, or each one fails (RunFailed), or one hangs. Runs that fail leave the time of the last
            success as it is; before the first success, the start of the latest run counts.

            - See: *Scheduled runs*, "Last Success" and "Last Start".
            - Not started: look at the scheduler (`systemctl list-timers`, `kubectl get cronjobs`). Started: its
              exit code, its log.
            - Records wait in Kafka meanwhile; its retention must outlast the gap.
            - Taken down for good: delete its group, as in StalePush, and hold the alert back for {MEMORY}:
              `amtool --alertmanager.url=http://localhost:9093 silence add alertname=RunOverdue instance=GROUP -d {MEMORY} -c gone`.
            """,
    )


def _log_lines_lost() -> Alert:
    return Alert(
        name="LogLinesLost",
        severity="warning",
        expression=f"({risen('stream_log_errors_total', '10m')}) > 0",
        summary="Log lines could not be written",
        description="About {{ $value | humanize }} log lines of {{ $labels.instance }} could not be "
        "written in the last 10 minutes. Its disk is full, or its log directory cannot be written.",
        entry="""
            The job could not write log lines, or not rotate their file; it goes on, and counts that.

            - See: *Engine*, "Log Lines Missing".
            - `df -h logs/` and `ls -ld logs/`: is the disk full, may the job's user write?
            - Files rotate at 10 MB, five are kept; what else fills that disk?
            """,
    )


def _telemetry_thread_down() -> Alert:
    return Alert(
        name="TelemetryThreadDown",
        severity="warning",
        expression="count without (worker) (stream_worker_up == 0)",
        lasting="5m",
        summary="A part of the job's telemetry does not work",
        description="Threads of {{ $labels.instance }} that have got nothing done for minutes: "
        "{{ $value }}. The records are not touched by it, but what these threads show stands still.",
        entry="""
            One of the telemetry's threads is dead, hangs, or only fails: `events` (Spark's events: every figure of
            a batch), `lag` (the broker's offsets, commits to the group), `push` (the Pushgateway), `otlp` (a collector
            of OpenTelemetry), `records` (lines about single records), `sink` (whether records go out) or `topics`
            (whether they are still the same). Records are dealt with as before.

            - See: *Engine*, "Telemetry Errors" and "Threads Down"; the log has the first error of its kind:
              `jq -r 'select(.exc_info) | .exc_info' logs/kafka_consumer.log`.
            - What the thread shows stands still: do not trust it. Start the job again when it suits; the state
              `telemetry` in `/health` fails until then. Report the stack trace, it is a fault of the telemetry.
            """,
    )
