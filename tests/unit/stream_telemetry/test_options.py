"""Options are declared as fields of a section, and everything else follows from that."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass
from pathlib import Path

import pytest

from stream_telemetry.options import (
    OFF,
    Option,
    OwnOptions,
    heading_of,
    option,
    options_of,
    switch,
    word,
)
from stream_telemetry.values import count, directory, or_off, port


@dataclass(frozen=True, kw_only=True)
class RetrySettings:
    """Retries of a query.

    More of it, which `--help` does not show.
    """

    max_restarts: int = option("5", "restarts in a row", parse=count(), metavar="N")
    admin_port: int | None = option(OFF, "its port", parse=or_off(port), variable="ADMIN")
    work_dir: Path = option("work", "where it works", parse=directory, metavar="DIR")
    is_loud: bool = switch("says more")
    validate: bool = switch("looks first", default=True)


@dataclass(frozen=True, kw_only=True)
class OneRecord(OwnOptions):
    """Record."""

    record: str = word("the record", parse=str.upper, metavar="RECORD")


OPTIONS = {declared.name: declared for declared in options_of(RetrySettings)}


def test_a_section_without_a_word_has_the_defaults_parsed_as_a_user_would_write_them() -> None:
    settings = RetrySettings()
    assert (settings.max_restarts, settings.admin_port) == (5, None)
    assert settings.work_dir == Path("work")
    assert (settings.is_loud, settings.validate) == (False, True)


def test_a_section_cannot_be_changed() -> None:
    name = "max_restarts"
    with pytest.raises(FrozenInstanceError):
        setattr(RetrySettings(), name, 1)


def test_options_come_in_the_order_in_which_they_are_declared() -> None:
    assert list(OPTIONS) == ["max_restarts", "admin_port", "work_dir", "is_loud", "validate"]


def test_the_flag_follows_from_the_name() -> None:
    assert OPTIONS["max_restarts"].flag == "--max-restarts"


def test_an_option_keeps_what_was_said_of_it() -> None:
    declared = OPTIONS["admin_port"]
    assert (declared.help, declared.default, declared.variable) == ("its port", OFF, "ADMIN")
    assert declared.parse("80") == 80


@pytest.mark.parametrize(
    ("name", "kind", "default"),
    [("max_restarts", "value", "5"), ("is_loud", "switch", OFF), ("validate", "choice", "on")],
)
def test_a_switch_is_on_or_off_and_a_choice_is_a_switch_that_is_on(
    name: str, kind: str, default: str
) -> None:
    assert (OPTIONS[name].kind, OPTIONS[name].default) == (kind, default)


@pytest.mark.parametrize(("text", "value"), [("on", True), (OFF, False)])
def test_a_switch_is_parsed_from_its_two_words(text: str, value: bool) -> None:
    assert OPTIONS["is_loud"].parse(text) is value


def test_only_directories_and_files_are_paths() -> None:
    assert [name for name, declared in OPTIONS.items() if declared.is_path] == ["work_dir"]
    named = Option("a", "", "", str, metavar="FILE")
    assert named.is_path


def test_a_word_has_no_default_so_it_has_to_be_given() -> None:
    with pytest.raises(TypeError, match="record"):
        OneRecord()
    (declared,) = options_of(OneRecord)
    assert (declared.kind, declared.metavar) == ("word", "RECORD")
    assert declared.parse("raw-0-1") == "RAW-0-1"


def test_the_heading_is_the_first_line_of_the_docstring_without_its_full_stop() -> None:
    assert heading_of(RetrySettings) == "Retries of a query"
    assert heading_of(OneRecord) == "Record"
