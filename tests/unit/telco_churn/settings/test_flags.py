"""One parser for all commands: groups by section, and errors that guess what was meant."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from stream_telemetry.options import OFF, OwnOptions, option, switch, word
from stream_telemetry.values import count
from telco_churn import __version__
from telco_churn.errors import SettingsError
from telco_churn.settings.flags import (
    Command,
    OneLineParser,
    flags_of,
    make_parser,
    nearest,
    sections_of,
)


@dataclass(frozen=True, kw_only=True)
class SpeedSettings:
    """Speed."""

    rate: int = option("50", "events a second, 100 % of them", parse=count(), metavar="N")


@dataclass(frozen=True, kw_only=True)
class WhatSettings(OwnOptions):
    """What to do."""

    target: str = word("where to", parse=str, metavar="TARGET")
    note: str = option("", "a remark", metavar="TEXT")
    quick: bool = switch("does less")
    validate: bool = switch("looks first", default=True)


@dataclass(frozen=True, kw_only=True)
class Errand:
    speed: SpeedSettings
    what: WhatSettings


def parser(*, reads_config: bool = False) -> OneLineParser:
    return make_parser(Errand, Command("errand", "Does it.", "The end.", reads_config=reads_config))


def parsed(*arguments: str) -> dict[str, str | None]:
    return vars(parser().parse_or_raise(arguments))


def refusal(*arguments: str) -> str:
    with pytest.raises(SettingsError) as error:
        parser().parse_or_raise(arguments)
    return str(error.value)


def test_what_was_not_given_is_none_and_what_was_given_stays_text() -> None:
    assert parsed("there", "--rate", "007") == {
        "rate": "007",
        "target": "there",
        "note": None,
        "quick": None,
        "validate": None,
    }


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["--quick"], "quick", "on"),
        (["--validate"], "validate", "on"),
        (["--no-validate"], "validate", OFF),
        (["--no-validate", "--validate"], "validate", "on"),
        (["--rate=5"], "rate", "5"),
    ],
)
def test_a_switch_becomes_the_word_that_a_file_would_have(
    arguments: list[str], name: str, value: str
) -> None:
    assert parsed("there", *arguments)[name] == value


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["there", "--rat", "5"], "unknown argument --rat; did you mean --rate?"),
        (["there", "--rat=5"], "unknown argument --rat; did you mean --rate?"),
        (["there", "--zzz"], "unknown argument --zzz;"),
        (["there", "here"], "unknown argument here"),
        (["there", "--rate"], "argument --rate: expected one argument"),
        ([], "the following arguments are required: TARGET"),
    ],
)
def test_a_mistake_is_one_line_that_guesses_what_was_meant(arguments: list[str], said: str) -> None:
    message = refusal(*arguments)
    assert message.startswith(said)
    assert message.endswith("--help lists the options")


def test_an_abbreviation_is_no_option() -> None:
    assert "unknown argument --quic" in refusal("there", "--quic")


def test_help_has_a_group_for_each_section_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        parser().parse_or_raise(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: errand [options]\n")
    assert text.index("Does it.") < text.index("Speed:") < text.index("What to do:")
    assert text.index("What to do:") < text.index("The end.")


def test_help_tells_a_default_where_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_or_raise(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--rate N events a second, 100 % of them (default: 50)" in text
    assert "--note TEXT a remark --quick" in text


def test_the_version_is_the_product_s(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_or_raise(["--version"])
    assert capsys.readouterr().out == f"errand {__version__}\n"


@pytest.mark.parametrize("reads_config", [True, False])
def test_only_a_command_that_reads_the_job_s_file_takes_another_one(reads_config: bool) -> None:
    taken = vars(parser(reads_config=reads_config).parse_or_raise(["there"]))
    assert ("config" in taken) is reads_config


def test_flags_are_told_with_whether_they_take_a_value() -> None:
    assert flags_of(Errand) == {
        "--rate": True,
        "--note": True,
        "--quick": False,
        "--validate": False,
    }


def test_sections_are_told_by_the_name_of_their_field() -> None:
    assert sections_of(Errand) == {"speed": SpeedSettings, "what": WhatSettings}


@pytest.mark.parametrize(
    ("given", "meant"), [("trigre", "trigger"), ("TRIGGER", None), ("xyz", None)]
)
def test_the_nearest_word_is_one_that_is_near(given: str, meant: str | None) -> None:
    assert nearest(given, ["trigger", "broker"]) == meant
