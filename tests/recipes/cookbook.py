"""The recipes of CONTRIBUTING.md, each with a small example."""

from __future__ import annotations

from recipes.walking import Edit, Recipe

ADD_AN_OPTION = Recipe(
    heading="Add an option",
    edits={
        "declaration": (
            Edit(
                "lib/telco_churn/query/settings.py",
                '    min_offsets_per_trigger: int = option(\n        "1",\n'
                '        "fewest records that a micro-batch waits for",\n'
                '        parse=count(1),\n        metavar="N",\n    )\n',
                before="on_data_loss: str",
            ),
        ),
        "default": (
            Edit(
                "conf/churn_stream.toml",
                "# Gathers records while there are few of them.\nmin_offsets_per_trigger = 1\n\n",
                before="# When Kafka has deleted records",
            ),
        ),
        "use": (
            Edit(
                "lib/telco_churn/query/source_and_sink.py",
                '            reader = reader.option("minOffsetsPerTrigger", '
                "self.reading.min_offsets_per_trigger)\n",
                before="return reader.load()",
            ),
        ),
    },
    generators=("telco_churn.settings.page",),
    checks=(
        "tests/unit/telco_churn/settings/test_job_settings.py",
        "tests/unit/test_readme.py",
        *("-k", "shipped_config or read_by_some_module or options_table"),
    ),
    said={
        "declaration": "{'min_offsets_per_trigger': '1'}",
        "default": "conf/churn_stream.toml must list each option with its default",
        "use": "an option that changes nothing",
        "telco_churn.settings.page": "run: python -m telco_churn.settings.page",
    },
)

ADD_A_RULE_KEYWORD = Recipe(
    heading="Add a rule keyword",
    edits={
        "keyword": (
            Edit(
                "lib/telco_churn/contract/schema.py",
                'VALUE_KEYWORDS |= {"maxLength"}\n',
                before="FIELD_KEYWORDS =",
            ),
        ),
        "rules": (
            Edit(
                "lib/telco_churn/contract/rules.py",
                '    if "maxLength" in rules:\n'
                '        conditions.append(F.length(text) <= rules["maxLength"])\n',
                after="def _matches(",
                before="return reduce",
            ),
            Edit(
                "lib/telco_churn/contract/rules.py",
                '    if "maxLength" in rules:\n'
                '        most = rules["maxLength"]\n'
                '        text = rf"\\A(?s:.){{0,{most}}}\\z"\n'
                '        yield "too_long", f"must have at most {most} letters", {"text": text}\n',
                after="def _limits(",
                before='if "format" in rules',
            ),
        ),
    },
    test=(
        Edit(
            "tests/unit/telco_churn/contract/test_keywords.py",
            '    "maxLength": ({"type": "string", "maxLength": 2}, "ab", "abc", "too_long"),\n',
            before='    "oneOf": (',
        ),
    ),
    checks=("tests/unit/telco_churn/contract/test_keywords.py", "-k", "sample or maxLength"),
    said={
        "keyword": "keyword 'maxLength' is not supported",
        "rules": "rules.py does not check maxLength",
        "test": "add a sample of each to SAMPLES",
    },
)

ADD_A_METRIC = Recipe(
    heading="Add a metric",
    edits={
        "name": (
            Edit(
                "lib/stream_telemetry/metrics/catalogue.py",
                'EMPTY_BATCHES = Metric(\n    "stream_empty_batches_total",\n    "counter",\n'
                '    "Batches that had no record to read.",\n    shown="data quality",\n)\n',
                before="PROGRESS_AGE = Metric(",
            ),
        ),
        "record": (
            Edit(
                "lib/stream_telemetry/metrics/recorder.py",
                "        store.add(catalogue.EMPTY_BATCHES, float(batch.records_read == 0))\n",
                before="store.add(catalogue.BATCHES, 1)",
            ),
        ),
        "panel": (
            Edit(
                "dashboards/boards/quality.py",
                "                empty_batches(choice),\n",
                after='"How fast the budgets are used up"',
                before="burn(choice",
            ),
            Edit(
                "dashboards/boards/quality.py",
                'def empty_batches(choice: Choice) -> Panel:\n    """Batches without a record."""\n'
                "    return time_series(\n"
                '        "Empty Batches",\n        "Batches that had no record to read.",\n'
                '        "cps",\n'
                '        query(total(rate(choice.series(catalogue.EMPTY_BATCHES))), "batches"),\n'
                "    )\n\n\n",
                before="def burn(",
            ),
        ),
    },
    generators=("stream_telemetry.metrics.page", "dashboards"),
    checks=(
        "tests/unit/stream_telemetry/metrics/test_recorder.py",
        "tests/monitoring/test_named_metrics.py",
        "tests/monitoring/test_dashboards_command.py",
        *("-k", "up_to_date or written_by or on_a_panel or says_where or committed"),
    ),
    said={
        "name": "has no attribute 'EMPTY_BATCHES'",
        "record": "stream_empty_batches_total",
        "panel": "stream_empty_batches_total",
        "stream_telemetry.metrics.page": "run: python -m stream_telemetry.metrics.page",
        "dashboards": "run: python -m dashboards",
    },
)

ADD_AN_ALERT = Recipe(
    heading="Add an alert",
    edits={
        "alert": (
            Edit(
                "dashboards/alerts/telemetry.py",
                'def _commits_fail() -> Alert:\n    return Alert(\n        name="CommitsFail",\n'
                '        severity="warning",\n'
                "        expression=f\"({risen('stream_commit_errors_total', '10m')}) > 0\",\n"
                '        summary="Progress is not committed to the group",\n'
                '        description="{{ $labels.instance }}: {{ $value }} commits failed.",\n'
                '        entry="- See: *Engine*, \\"Telemetry Errors\\".",\n    )\n\n\n',
                before="def _log_lines_lost()",
            ),
        ),
        "place": (
            Edit(
                "dashboards/alerts/telemetry.py",
                "        alerts=(_commits_fail(), _log_lines_lost(), _telemetry_thread_down()),\n",
                after='title="Telemetry itself"',
                before="alerts=(",
                replaces=True,
            ),
        ),
    },
    test=(
        Edit(
            "tests/monitoring/made/faults.py",
            '    "CommitsFail": Fault(\n'
            '        signals={"stream_commit_errors_total": step(END - 300, 5)},\n'
            '        nearly={"stream_commit_errors_total": step(HOUR, 5)},\n'
            '        told={"$value": "5"},\n    ),\n',
            before='"LogLinesLost": Fault(',
        ),
    ),
    generators=("dashboards",),
    checks=(
        "tests/monitoring/test_dashboards_command.py",
        "tests/monitoring/test_alerts_in_the_field.py",
        "tests/monitoring/test_rules.py",
        *("-k", "committed or fault_for_every_alert or says_how_bad or page_in_the_runbook"),
    ),
    said={
        "alert": "name '_commits_fail' is not defined",
        "place": "CommitsFail",
        "test": "CommitsFail",
        "dashboards": "run: python -m dashboards",
    },
)

RECIPES = {
    recipe.heading: recipe
    for recipe in (ADD_AN_OPTION, ADD_A_RULE_KEYWORD, ADD_A_METRIC, ADD_AN_ALERT)
}
