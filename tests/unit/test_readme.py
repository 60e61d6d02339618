from __future__ import annotations

import json
import re

import pytest

from churn_tools.producer.contract_validator import ContractValidator
from launcher.submit.division import divide
from sandbox.plan import parse_plan
from telco_churn.paths import project_home, read_schema
from telco_churn.settings.page import FIRST, PAGES, with_options
from telco_churn.settings.resolve import read_settings

README = (project_home() / "README.md").read_text("utf-8")


def samples() -> list[dict[str, object]]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]


@pytest.mark.parametrize("name", PAGES)
def test_the_options_table_is_the_one_that_the_settings_make(name: str) -> None:
    page = (project_home() / name).read_text("utf-8")
    assert page.count("| `--") >= len(FIRST)
    made = with_options(page, PAGES[name]())
    assert made == page, "run: python -m telco_churn.settings.page"


def test_the_readme_starts_with_commands_and_stays_short() -> None:
    lines = README.splitlines()
    first = next(i for i, line in enumerate(lines, 1) if line.startswith("$ "))
    assert first <= 15
    assert len(lines) <= 120


def test_every_command_of_the_readme_is_understood() -> None:
    commands = re.findall(r"^\$ \./spark-submit\.sh ([^#\n]*)", README, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        words = command.split()
        if "--sandbox" in words:
            assert parse_plan(words, {}).batch_events == 1000
        else:
            division = divide(words, {})
            assert read_settings(division.job, {}).kafka.broker.startswith("kafka-1:9092")


def test_the_samples_follow_their_contracts() -> None:
    event, prediction, letter = samples()
    assert ContractValidator(read_schema("customer_event")).violations(event) == []
    assert ContractValidator(read_schema("prediction")).violations(prediction) == []
    assert ContractValidator(read_schema("dead_letter")).violations(letter) == []


def test_every_file_that_the_readme_links_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (project_home() / target).exists(), target
