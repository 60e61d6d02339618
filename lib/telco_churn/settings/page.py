"""Writes the tables of options: `python -m telco_churn.settings.page`.

README.md has those that a first run needs, docs/options.md has them all.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from stream_telemetry.options import Option, heading_of, options_of
from telco_churn.paths import project_home
from telco_churn.settings.job import job_options, job_sections

FIRST = (
    *("broker", "input_topic", "output_topic", "deadletter_topic", "trigger", "model_path"),
    *("checkpoint", "metrics_port", "log_dir"),
)
"""The options that a first run needs."""

_TABLE = re.compile(r"(<!-- options:[^\n]*-->\n).*?(<!-- /options -->)", re.DOTALL)
_HEAD = ("| option | default | meaning |", "| --- | --- | --- |")


def first_options() -> str:
    """The options of `FIRST` as one Markdown table."""
    known = {option.name: option for option in job_options()}
    return "\n".join([*_HEAD, *(_row(known[name]) for name in FIRST)]) + "\n"


def all_options() -> str:
    """All options as Markdown, a table for each section."""
    parts = []
    for section in job_sections():
        rows = [_row(option) for option in options_of(section)]
        parts += [f"\n## {heading_of(section)}\n", *_HEAD, *rows]
    return "\n".join(parts) + "\n\n"


PAGES: dict[str, Callable[[], str]] = {"README.md": first_options, "docs/options.md": all_options}
"""The pages, and what stands between their marks."""


def with_options(page: str, options: str) -> str:
    """The page with its options made anew."""
    return _TABLE.sub(lambda match: match[1] + options + match[2], page)


def _row(option: Option) -> str:
    return f"| `{option.flag}` | `{option.default}` | {option.help} |"


if __name__ == "__main__":
    for name, options in PAGES.items():
        path = project_home() / name
        path.write_text(with_options(path.read_text("utf-8"), options()), "utf-8")
