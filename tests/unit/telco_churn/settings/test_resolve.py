"""Which of several values counts, and what is shown of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from stream_telemetry.options import OFF, OwnOptions, option
from stream_telemetry.values import count, directory
from telco_churn.errors import SettingsError
from telco_churn.model.settings import ModelSettings
from telco_churn.paths import project_home
from telco_churn.settings.flags import Command
from telco_churn.settings.job import job_options, shown
from telco_churn.settings.resolve import described, read, read_settings, variable_of

COMMAND = Command("errand", "Does it.")


@dataclass(frozen=True, kw_only=True)
class OwnSettings(OwnOptions):
    """Own."""

    model_path: Path = option("here", "the command's own", parse=directory, metavar="DIR")
    least: int = option("1", "least", parse=count(1), metavar="N")
    most: int = option("9", "most", parse=count(), metavar="N")

    def __post_init__(self) -> None:
        """Raises ValueError when no number is allowed."""
        if self.least > self.most:
            raise ValueError(f"--least {self.least} is above --most {self.most}")


@dataclass(frozen=True, kw_only=True)
class Errand:
    own: OwnSettings


@dataclass(frozen=True, kw_only=True)
class ModelErrand:
    model: ModelSettings


def test_a_command_s_own_option_is_not_set_by_the_job_s_environment() -> None:
    settings = read(Errand, COMMAND, [], {"CHURN_STREAM_MODEL_PATH": "other"})
    assert settings.own.model_path == Path("here")


def test_an_option_of_the_job_is_the_same_for_every_command() -> None:
    environment = {"CHURN_STREAM_MODEL_PATH": "other"}
    assert read(ModelErrand, COMMAND, [], environment).model.model_path == Path("other")
    assert read(ModelErrand, COMMAND, [], {}).model.model_path == project_home() / "models/churn"


def test_options_that_do_not_go_together_are_told_as_one_line() -> None:
    with pytest.raises(SettingsError, match=r"^--least 5 is above --most 2$"):
        read(Errand, COMMAND, ["--least", "5", "--most", "2"], {})


def test_a_value_is_refused_with_its_flag() -> None:
    with pytest.raises(SettingsError, match=r"^--least: '0' is not a whole number of at least 1$"):
        read(Errand, COMMAND, ["--least", "0"], {})


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, OFF), (True, "on"), (False, OFF), (0, "0"), ("x", "x"), (Path("a/b"), "a/b")],
)
def test_a_value_is_shown_as_a_user_would_write_it(value: object, text: str) -> None:
    assert shown(value) == text


def test_what_is_shown_of_the_settings_can_be_given_again() -> None:
    first = described(read_settings(["--metrics-port", "0", "--trigger", "once"], {}))
    flags = {option.name: option.flag for option in job_options()}
    words = [f"{flags[name]}={text}" for name, text in first.items()]
    assert described(read_settings(words, {})) == first


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("broker", "KAFKA_BOOTSTRAP_SERVERS"),
        ("metrics_port", "CHURN_STREAM_METRICS_PORT"),
        ("trigger", "CHURN_STREAM_TRIGGER"),
    ],
)
def test_a_variable_follows_from_the_name_unless_it_is_known_by_another(
    name: str, variable: str
) -> None:
    (named,) = (option for option in job_options() if option.name == name)
    assert variable_of(named) == variable
