"""Whether the model still fits what comes in, and whether another one was refused."""

from __future__ import annotations

from dashboards.alerts.alert import Alert, Group
from dashboards.alerts.promql import over_replicas
from dashboards.site import Site

_INTRODUCTION = """\
Drift and accuracy are judged by the latest records (`--drift-records`), and held back while those of the latest minutes
(`--drift-minutes`) say otherwise: a minute of odd customers is no drift. Too few records give no
figure, and no alert: on a quiet topic these alerts are late, never wrong.
"""


def model(site: Site) -> Group:
    """The group of drift and accuracy."""
    return Group(
        name="churn_stream_model",
        title="The model",
        introduction=_INTRODUCTION,
        alerts=(_input_drift(site), _score_drift(site), _less_accurate(site), _refused()),
    )


def _drifted(site: Site, metric: str) -> str:
    latest = f'min_over_time({metric}{{window="records"}}[10m])'
    of_time = f'{metric}{{window="time"}}'
    return f"""
            {over_replicas(site, "max", latest, "window")}
            > {site.limits.psi:g}
            unless
            {over_replicas(site, "max", of_time, "window")}
            <= {site.limits.psi:g}
            """


def _input_drift(site: Site) -> Alert:
    return Alert(
        name="ModelInputDrift",
        severity="warning",
        expression=_drifted(site, "model_feature_psi"),
        lasting="5m",
        summary="A feature's values are no longer those that the model was fitted to",
        description='The stability index of {{ $labels.feature }} is {{ printf "%.2f" $value }}; from '
        f"{site.limits.psi:g} on a model sees others than it was fitted to. {{{{ $labels.job }}}} goes on "
        "scoring them; how right that is nobody can tell by this.",
        entry=f"""
            The shares of a feature's values differ from those in the model's training data: its population
            stability index is above {site.limits.psi:g} over the latest records and the latest hour. The index is
            the sum of (now - then) · ln(now / then) over the values, or over tenths of a number.

            - See: *Model and drift*, "Drift by Feature" and "Drift of Features".
            - Which values? Compare `jq '.training_distribution.categories.FEATURE' models/churn/manifest.json` with
              what comes in:
              `kafka-console-consumer.sh --bootstrap-server HOST:9092 --topic telco.raw.customers --max-messages 1000 | jq -r .FEATURE | sort | uniq -c`.
            - A release of a producer, suddenly and in one feature: talk to its owners; a code that has changed its
              meaning makes predictions wrong that look right. A campaign, a new tariff, another market: the model
              has to be trained on such customers (`jobs/train_model.py`).
            - A load test, or the backlog of one source: it ends by itself, once other records have come.
            """,
    )


def _score_drift(site: Site) -> Alert:
    return Alert(
        name="ModelScoreDrift",
        severity="warning",
        expression=_drifted(site, "model_score_psi"),
        lasting="5m",
        summary="The model's scores are spread otherwise than in training",
        description='The stability index of the scores of {{ $labels.job }} is {{ printf "%.2f" $value }}; '
        f"from {site.limits.psi:g} on they are spread otherwise than on the records that the model was "
        "fitted to.",
        entry=f"""
            The scores' population stability index is above {site.limits.psi:g}: more customers, or fewer, are
            expected to leave than in training. That is what drifting features do to the predictions; without such
            a feature, several have moved a little, or together.

            - See: *Model and drift*, "Scores", "Mean Score and Share of Yes" and "Drift by Feature".
            - Whoever acts on the predictions gets other numbers of them: tell them.
            - As in ModelInputDrift.
            """,
    )


def _less_accurate(site: Site) -> Alert:
    factor = site.limits.brier_factor
    expected = "ignoring (window) last_over_time(model_expected_brier_score[10m])"
    latest = 'min_over_time(model_brier_score{window="records"}[10m])'
    # The variance of an error between 0 and 1 is no larger than its mean.
    chance = f'3 * sqrt({latest} / last_over_time(model_window_labels{{window="records"}}[10m]))'
    of_time = f'model_brier_score{{window="time"}} / {expected}'
    return Alert(
        name="ModelLessAccurate",
        severity="warning",
        expression=f"""
            {over_replicas(site, "max", f"({latest} - {chance}) / {expected}")}
            > {factor:g}
            unless
            {over_replicas(site, "max", of_time)}
            <= {factor:g}
            """,
        lasting="5m",
        summary="The model is less accurate than when it was made",
        description="By the labels that come with the records of {{ $labels.job }}, the model's mean squared "
        'error is at least {{ printf "%.2f" $value }} times what it was on the records that it was judged '
        f"by when it was made; up to {factor:g} times is accepted.",
        entry=f"""
            Where records carry their label, the mean squared error of the scores (Brier score) over the latest of
            them is more than {factor:g} times that on the held-out customers of the training, and by more than
            three times what chance explains.

            - See: *Model and drift*, "Brier Score", "Precision and Recall" and "Calibration".
            - With ModelInputDrift: the customers have changed; train the model on such ones. Without it: what
              makes customers leave has changed, or the labels have (`Churn` filled in by another rule, or only for
              those who left). Labels that come only for a part of the customers tell of that part alone.
            - Go back to another model (`--model-path`), or raise the threshold of whoever acts on it, until there is
              a better one.
            """,
    )


def _refused() -> Alert:
    return Alert(
        name="ModelRefused",
        severity="warning",
        expression="model_refused == 1",
        lasting="5m",
        summary="Another model cannot be used, and the job goes on with the one that it has",
        description="{{ $labels.instance }} has found another model at its --model-path and cannot use "
        "it (model_refused is {{ $value }}): the one before goes on scoring. A job that is started "
        "now would not start.",
        entry="""
            What lies at `--model-path` is another model than the one that scores, and the job could not use it: files
            that its manifest does not know, a stage that is not allowed, fields that events do not have, the version of
            the model that scores, or the query failed with it before its first batch was done. Records are scored as before. But a start
            reads what is there: after the next one there would be no job (exit code 3).

            - See: *Overview*, "What Runs"; *Engine*, "Telemetry Errors".
            - Why? `jq -r 'select(.message | test("is refused|is taken back")) | .message' logs/kafka_consumer.log`.
            - Put a good one there: `.venv/bin/python jobs/model.py use VERSION`, or the one before by
              `.venv/bin/python jobs/model.py rollback`; then `pkill --signal HUP --full jobs/churn_stream.py`, unless the job
              watches. The alert ends as soon as one was taken, or the one that scores was found there again.
            """,
    )
