"""Writes the rights into docs/security.md: `python -m telco_churn.rights.page`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from telco_churn.paths import project_home
from telco_churn.query.settings import GroupSettings, TopicSettings
from telco_churn.rights.needed import (
    Right,
    rights_of_job,
    rights_of_measuring,
    rights_of_producer,
    rights_of_replay,
    rights_of_verifier,
)

PAGE = project_home() / "docs" / "security.md"
BEGIN = "<!-- Made by `python -m telco_churn.rights.page`; a test compares. -->\n"
END = "<!-- end -->\n"


def programs() -> dict[str, tuple[str, tuple[Right, ...]]]:
    """The user and the rights of each program, for topics and group as they are by default."""
    topics = TopicSettings()
    return {
        "the job": ("churn-job", rights_of_job(topics, GroupSettings(), topics.outputs)),
        "`jobs/produce_customers.py`": (
            "churn-producer",
            rights_of_producer(topics.input_topic),
        ),
        "`python -m churn_tools.verify`": ("churn-verifier", rights_of_verifier(topics)),
        "`jobs/measure_accuracy.py`": (
            "churn-labels",
            rights_of_measuring(
                (topics.output_topic, "telco.churn.labels"),
                GroupSettings(consumer_group="telco-churn-labels"),
            ),
        ),
        "`jobs/replay_dead_letters.py`": (
            "churn-replay",
            rights_of_replay(topics, f"{topics.deadletter_topic}.sent"),
        ),
    }


def page_with_rights(page: str) -> str:
    """The page with table and commands as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{_table()}\n```console\n{_commands()}```\n\n{END}{after}"


def _table() -> str:
    rows = [
        "| program | operation | on | what for | without it |",
        "| --- | --- | --- | --- | --- |",
    ]
    rows += [
        f"| {program} | {right.operation} | {right.kind} `{right.name}` | {right.purpose} "
        f"| {_without(right)} |"
        for program, (_, rights) in programs().items()
        for right in rights
    ]
    return "\n".join(rows) + "\n"


def _without(right: Right) -> str:
    if right.is_needed:
        return "refused at the start, exit code 4"
    return f"a warning: {right.without}" + (
        f"; not needed with `{right.only}`" if right.only else ""
    )


def _commands() -> str:
    return "".join(f"$ {command}\n" for command in _all_commands())


def _all_commands() -> Iterator[str]:
    for user, rights in programs().values():
        yield from (right.command("localhost:9092", user) for right in rights)


if __name__ == "__main__":
    PAGE.write_text(page_with_rights(PAGE.read_text("utf-8")), encoding="utf-8")
    sys.stdout.write(f"{PAGE} is written\n")
