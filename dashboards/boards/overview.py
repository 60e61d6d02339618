"""Overview: the guide's six panels, and whether the query is well."""

from __future__ import annotations

from grafana_foundation_sdk.models import common, dashboard

from dashboards.boards.blocks import Panel, board, number, pie, query, steps, time_series, words
from dashboards.boards.queries import increase, part, quantile, rate, series, share, total
from dashboards.site import Site
from stream_telemetry.metrics import catalogue


def overview(site: Site) -> dashboard.Dashboard:
    """What whoever is on call opens first."""
    return board(
        "churn-stream-overview",
        "Churn stream / Overview",
        "Is the job well, and is every record accounted for?",
        "now-1h",
        [
            *(consumer_health(), query_state(), success_rate(), time_since_progress()),
            *(unaccounted(), model_age()),
            *(message_rate(), average_latency(), p95_latency()),
            *(error_types(), consumer_lag(), telemetry_errors()),
            *(restarts(), records_read(), what_runs()),
        ],
    )


def consumer_health() -> Panel:
    """The guide's panel 6."""
    return (
        number(
            "Consumer Health",
            "Whether each replica has its model and reaches the broker. Without data the job does "
            "not answer.",
            "none",
            query(f"min({series(catalogue.MODEL_LOADED)})", "model"),
            query(f"min({series(catalogue.BROKER_CONNECTED)})", "broker"),
        )
        .mappings(words(_0=("Unhealthy", "red"), _1=("Healthy", "green")))
        .thresholds(steps("red", (1, "green")))
    )


def query_state() -> Panel:
    """The state that the query is in, by name."""
    red = [dashboard.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": "red"})]
    return (
        number(
            "Query State",
            "idle: nothing comes in. lagging: the oldest record waits too long. stalled: no sign "
            "of life for longer than the trigger promises.",
            "none",
            query(f"max by (state) ({series(catalogue.STATE)}) == 1", "{{state}}"),
        )
        .text_mode(common.BigValueTextMode.NAME)
        .thresholds(steps("green"))
        .override_by_regexp("stalled|failed", red)
    )


def success_rate() -> Panel:
    """The guide's panel 2, without a division by zero when nothing comes in."""
    good = total(rate(series(catalogue.PROCESSED, status="success")))
    return (
        number(
            "Success Rate (%)",
            "Share of the records that became predictions. No value while no records come in.",
            "percent",
            query(f"100 * {share(good, total(rate(series(catalogue.PROCESSED))))}", "success"),
        )
        .thresholds(steps("red", (95, "yellow"), (99, "green")))
        .decimals(2)
        .no_value("no records")
    )


def time_since_progress() -> Panel:
    """How long the query has been silent."""
    return number(
        "Time Since Progress",
        "Since the query was last heard of; a healthy one is heard of with every trigger, or every "
        "10 seconds when it is idle.",
        "s",
        query(f"max({series(catalogue.PROGRESS_AGE)})", "silent"),
    ).thresholds(steps("green", (60, "yellow"), (180, "red")))


def unaccounted() -> Panel:
    """Records that vanished, by the query's own count."""
    return number(
        "Records Unaccounted For",
        "Read but not seen leaving, since the start of the run. It must be 0.",
        "short",
        query(total(series(catalogue.UNACCOUNTED)), "records"),
    ).thresholds(steps("green", (1, "red")))


def model_age() -> Panel:
    """Which model scores, and how old it is."""
    age = f"time() - max by (job, instance) ({series(catalogue.MODEL_CREATED)})"
    version = f"max by (job, instance, version) ({series(catalogue.MODEL_INFO)})"
    expression = f"max by (version) ({version} * on (job, instance) group_left () ({age}))"
    return (
        number(
            "Model Age", "Version of the model, and its age.", "s", query(expression, "{{version}}")
        )
        .text_mode(common.BigValueTextMode.VALUE_AND_NAME)
        .thresholds(steps("text"))
        .no_value("no model")
    )


def message_rate() -> Panel:
    """The guide's panel 1."""
    return time_series(
        "Message Processing Rate (msg/sec)",
        "Records that the query has dealt with, by what became of them.",
        "mps",
        query(
            total(rate(series(catalogue.PROCESSED)), "status", "topic"), "{{status}} - {{topic}}"
        ),
    ).min(0)


def average_latency() -> Panel:
    """The guide's panel 3."""
    took = total(rate(part(catalogue.PROCESSING_LATENCY, "sum", operation="total")))
    records = total(rate(part(catalogue.PROCESSING_LATENCY, "count", operation="total")))
    return time_series(
        "Average Processing Latency (seconds)",
        "Time that a record spends in the plan, without waiting for its batch.",
        "s",
        query(share(took, records), "average"),
    ).min(0)


def p95_latency() -> Panel:
    """The guide's panel 5."""
    return time_series(
        "95th Percentile Latency by Operation",
        "Time that 95 of 100 records spend in each step of the plan at most.",
        "s",
        query(quantile(0.95, catalogue.PROCESSING_LATENCY, "operation"), "{{operation}}"),
    ).min(0)


def error_types() -> Panel:
    """The guide's panel 4."""
    return pie(
        "Error Types Distribution",
        "Dead letters by the step that refused them, over the time that is shown.",
        "mps",
        query(total(rate(series(catalogue.FAILED)), "error_type"), "{{error_type}}"),
    ).no_value("no dead letters")


def consumer_lag() -> Panel:
    """How many records wait."""
    return time_series(
        "Consumer Lag",
        "Records between the committed position and the end of each partition. Up and down with "
        "the batches is healthy, ever up is not.",
        "short",
        query(total(series(catalogue.LAG), "topic", "partition"), "{{topic}}[{{partition}}]"),
    ).min(0)


def telemetry_errors() -> Panel:
    """What went wrong beside the records."""
    errors = {
        "events not evaluated": catalogue.LISTENER_ERRORS,
        "polls of the broker": catalogue.POLL_ERRORS,
        "commits to the group": catalogue.COMMIT_ERRORS,
        "pushes": catalogue.PUSH_ERRORS,
        "log lines not written": catalogue.LOG_ERRORS,
    }
    return time_series(
        "Telemetry Errors",
        "Observation that failed; the records themselves are not touched by it. A thread that is "
        "down does not work any more.",
        "short",
        *(query(total(increase(series(metric))), name) for name, metric in errors.items()),
        query(total(increase(series(catalogue.WORKER_ERRORS)), "worker"), "in thread {{worker}}"),
        query(f"1 - min by (worker) ({series(catalogue.WORKER_UP)})", "thread {{worker}} down"),
    ).min(0)


def restarts() -> Panel:
    """Starts of the query after a failure."""
    return time_series(
        "Restarts",
        "Times that the query was started again after a failure that can pass. Each one may repeat "
        "a batch.",
        "short",
        query(total(increase(series(catalogue.RESTARTS)), "instance"), "{{instance}}"),
        query(
            f"changes({series(catalogue.PROCESS_START)}[$__rate_interval])", "{{instance}}, process"
        ),
    ).min(0)


def records_read() -> Panel:
    """What Spark has read, beside what was dealt with."""
    return time_series(
        "Records Read",
        "What Spark says it has read, and what the plan has dealt with; the lines must lie on "
        "each other.",
        "mps",
        query(total(rate(series(catalogue.RECORDS_READ))), "read"),
        query(total(rate(series(catalogue.PROCESSED))), "dealt with"),
    ).min(0)


def what_runs() -> Panel:
    """Version, mode and broker of each replica."""
    labels = ("instance", "version", "mode", "broker", "consumer_group", "model_backend")
    expression = f"max by ({', '.join(labels)}) ({series(catalogue.INFO)})"
    legend = (
        "{{instance}}: {{version}}, {{mode}}, {{model_backend}}, {{consumer_group}} at {{broker}}"
    )
    return (
        number(
            "What Runs", "Version and settings of each replica.", "none", query(expression, legend)
        )
        .text_mode(common.BigValueTextMode.NAME)
        .thresholds(steps("text"))
        .span(8)
        .height(8)
        .no_value("no job answers")
    )
