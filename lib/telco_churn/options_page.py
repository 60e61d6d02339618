"""Writes the table of options into README.md: `python -m telco_churn.options_page`."""

from __future__ import annotations

import re

from telco_churn.home import project_home
from telco_churn.options import flag_of
from telco_churn.settings import option_fields

_TABLE = re.compile(r"(<!-- options:[^\n]*-->\n).*?(<!-- /options -->)", re.DOTALL)


def options_table() -> str:
    """The options, their defaults and meanings as a Markdown table."""
    rows = [
        f"| `{flag_of(field)}` | `{field.metadata['text']}` | {field.metadata['help']} |"
        for field in option_fields()
    ]
    return "\n".join(["| option | default | meaning |", "| --- | --- | --- |", *rows]) + "\n"


def with_options(page: str) -> str:
    """The page with its table of options made anew."""
    return _TABLE.sub(lambda match: match[1] + options_table() + match[2], page)


if __name__ == "__main__":
    readme = project_home() / "README.md"
    readme.write_text(with_options(readme.read_text("utf-8")), "utf-8")
