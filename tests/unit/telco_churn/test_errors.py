from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from telco_churn.errors import (
    ChurnStreamError,
    KafkaUnavailableError,
    ModelError,
    PoisonRecordError,
    QueryFailedError,
    SettingsError,
    SourceDataLostError,
    exit_with,
    exit_with_main_of,
)
from telco_churn.settings.resolve import JOB

MODULE = ChurnStreamError.__module__
EXIT_CODES: dict[type[ChurnStreamError], int] = {
    SettingsError: 2,
    ModelError: 3,
    KafkaUnavailableError: 4,
    QueryFailedError: 5,
    SourceDataLostError: 6,
    PoisonRecordError: 7,
}


def raising(error: BaseException) -> int:
    """The exit code of a program whose `main` raises `error`."""

    def main(arguments: Sequence[str]) -> None:
        raise error

    with pytest.raises(SystemExit) as end:
        exit_with("job", main, [])
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.mark.parametrize(("kind", "code"), EXIT_CODES.items())
def test_each_error_has_its_exit_code(
    kind: type[ChurnStreamError], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raising(kind("what, which value, what to do")) == code
    assert capsys.readouterr() == ("", "job: what, which value, what to do\n")


def test_every_kind_of_error_has_an_exit_code_of_its_own() -> None:
    assert set(ChurnStreamError.__subclasses__()) >= EXIT_CODES.keys()
    # Commands beside the job have kinds of their own.
    kinds = [kind for kind in ChurnStreamError.__subclasses__() if kind.__module__ in MODULE]
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert 0 not in codes


def test_help_tells_each_exit_code_of_the_job() -> None:
    told = {int(code) for code in re.findall(r"(?<=[;:] )\d(?= )", JOB.epilog)}
    assert told == {0, *(code for code in EXIT_CODES.values() if code < 128)}


def test_a_message_of_many_lines_is_told_in_one(capsys: pytest.CaptureFixture[str]) -> None:
    raising(ModelError("broken:\n\tat line 1\r\n\n  at line 2\n"))
    assert capsys.readouterr().err == "job: broken: at line 1 at line 2\n"


def test_ctrl_c_ends_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    assert raising(KeyboardInterrupt()) == 130
    assert capsys.readouterr().err == "job: interrupted\n"


@pytest.mark.parametrize(
    ("variables", "said"), [({}, "job: interrupted\n"), ({"PYSPARK_GATEWAY_PORT": "1"}, "")]
)
def test_ctrl_c_while_main_is_imported_is_told_once(
    variables: dict[str, str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tmp_path.joinpath("interrupted_import.py").write_text("raise KeyboardInterrupt\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as end:
        exit_with_main_of("interrupted_import", "job", [])
    assert end.value.code == 130
    assert capsys.readouterr().err == said


def test_main_gets_the_arguments_and_its_return_leaves_the_process_running() -> None:
    seen: list[str] = []
    exit_with("job", seen.extend, ["--a", "1"])
    assert seen == ["--a", "1"]


def test_an_error_that_no_user_can_cause_keeps_its_traceback() -> None:
    def main(arguments: Sequence[str]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        exit_with("job", main, [])
