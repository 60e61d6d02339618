"""Writes the tables of options: `python -m telco_churn.settings.page`.

README.md has those that a first run needs, docs/options.md has them all.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from telco_churn.paths import project_home
from telco_churn.settings.job import option_fields
from telco_churn.settings.options import flag_of

FIRST = (
    *("broker", "input_topic", "output_topic", "deadletter_topic", "consumer_group", "trigger"),
    *("model_path", "checkpoint", "starting_offsets", "max_offsets_per_trigger"),
    *("metrics_host", "metrics_port", "pushgateway", "log_level", "log_dir"),
)
PAGES = {"README.md": FIRST, "docs/options.md": [field.name for field in option_fields()]}
"""The options on each page."""

_TABLE = re.compile(r"(<!-- options:[^\n]*-->\n).*?(<!-- /options -->)", re.DOTALL)


def options_table(names: Collection[str]) -> str:
    """These options, their defaults and meanings as a Markdown table."""
    rows = [
        f"| `{flag_of(field)}` | `{field.metadata['text']}` | {field.metadata['help']} |"
        for field in option_fields()
        if field.name in names
    ]
    return "\n".join(["| option | default | meaning |", "| --- | --- | --- |", *rows]) + "\n"


def with_options(page: str, names: Collection[str]) -> str:
    """The page with its table of options made anew."""
    return _TABLE.sub(lambda match: match[1] + options_table(names) + match[2], page)


if __name__ == "__main__":
    for name, options in PAGES.items():
        path = project_home() / name
        path.write_text(with_options(path.read_text("utf-8"), options), "utf-8")
