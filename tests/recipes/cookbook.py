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
                '        conditions.append(F.length(value) <= rules["maxLength"])\n',
                after="def _accepts(",
                before='if "format" in rules',
            ),
            Edit(
                "lib/telco_churn/contract/rules.py",
                '    if "maxLength" in rules:\n'
                '        is_short = ~is_string | (F.length(text) <= rules["maxLength"])\n'
                '        yield "too_long", f"must have at most {rules[\'maxLength\']} characters", '
                "is_short\n",
                after="def _checks(",
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

RECIPES = {recipe.heading: recipe for recipe in (ADD_AN_OPTION, ADD_A_RULE_KEYWORD)}
