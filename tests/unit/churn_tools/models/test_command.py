"""`jobs/model.py`: what each of its commands says and leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from saved_models import SHIPPED, copy_of

from churn_tools.models.command import ACTIONS, main
from telco_churn.errors import ModelError, SettingsError
from telco_churn.model.manifest import MANIFEST_NAME, read_manifest
from telco_churn.paths import project_home


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The job's model, and a version `next` beside it."""
    model = copy_of(SHIPPED, tmp_path / "churn")
    manifest = copy_of(SHIPPED, tmp_path / "versions" / "next") / MANIFEST_NAME
    changes = {"version": "next", "created": "2027-01-01T00:00:00Z", "evaluation": None}
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))
    return model


def told(capsys: pytest.CaptureFixture[str], model: Path, *arguments: str) -> str:
    main([*arguments, "--model-path", str(model)])
    return capsys.readouterr().out


def test_the_versions_are_listed_with_the_one_in_use(
    capsys: pytest.CaptureFixture[str], model: Path
) -> None:
    head, shipped, other = told(capsys, model, "list").splitlines()
    assert head.split() == ["version", "classifier", "AUC", "created"]
    assert shipped.split() == [
        *("*", "20261122T155842Z", "logistic", "regression", "0.8474", "2026-11-22T15:58:42Z")
    ]
    assert other.split() == ["next", "logistic", "regression", "2027-01-01T00:00:00Z"]


def test_a_version_is_put_to_use_and_taken_back(
    capsys: pytest.CaptureFixture[str], model: Path
) -> None:
    assert told(capsys, model, "use", "next") == f"{model} is now version next\n"
    assert read_manifest(model).version == "next"
    assert told(capsys, model, "rollback") == f"{model} is now version 20261122T155842Z\n"
    assert read_manifest(model).version == "20261122T155842Z"


def test_a_version_is_described_and_its_card_written(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    text = told(capsys, model, "describe", "in-use", "--card", str(tmp_path / "card"))
    assert "model 20261122T155842Z: logistic regression, fitted to 160101 rows" in text
    assert "AUC 0.8474" in text
    assert (tmp_path / "card" / "MODEL.md").is_file()
    assert "not judged: no labels were given" in told(capsys, model, "describe", "next")


def test_another_store_may_be_named(
    capsys: pytest.CaptureFixture[str], model: Path, tmp_path: Path
) -> None:
    lines = told(capsys, model, "list", "--store", str(tmp_path / "empty")).splitlines()
    assert len(lines) == 2


def test_what_the_store_cannot_read_is_told_beside_the_list(
    capsys: pytest.CaptureFixture[str], model: Path
) -> None:
    (model.parent / "versions" / "next" / MANIFEST_NAME).unlink()
    main(["list", "--model-path", str(model)])
    assert "versions/next is passed over: its manifest" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_help_names_every_command(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    main(arguments)
    text = capsys.readouterr().out
    assert all(f"\n  {action}" in text for action in ACTIONS)


def test_a_path_that_is_not_there_is_told_before_spark_starts(model: Path) -> None:
    with pytest.raises(ModelError, match=r"^no/such is not a directory; name one that"):
        main(["adopt", "no/such", "--model-path", str(model)])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["adpot"], "no command 'adpot'; did you mean adopt?; there are list, adopt"),
        (["use"], "VERSION"),
        (["use", "9"], "no version '9' in "),
        (["adopt", str(SHIPPED), "--judge", "no/such.csv"], "cannot read no/such.csv"),
        (
            ["adopt", str(SHIPPED), "--judge", "a topic?"],
            "is neither a file that is there nor a topic's",
        ),
        (["adopt", str(SHIPPED), "--threshold", "2"], "'2' is not a number from 0 to 1"),
        (["adopt", str(SHIPPED), "--model-version", "a/b"], "is no version"),
        (["adopt", str(SHIPPED), "--model-version", "next"], "there is a version 'next' already"),
    ],
)
def test_a_mistake_is_one_line_before_spark_starts(
    model: Path, arguments: list[str], said: str
) -> None:
    with pytest.raises(SettingsError) as error:
        main([*arguments, "--model-path", str(model)])
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("arguments", [["list"], ["use", "next"], ["rollback"]])
def test_versions_are_kept_on_this_machine_alone(arguments: list[str]) -> None:
    with pytest.raises(SettingsError, match="--model-path hdfs://h/m is not a directory of this"):
        main([*arguments, "--model-path", "hdfs://h/m"])


@pytest.mark.parametrize(
    ("arguments", "code"), [(["list"], 0), (["rollback"], 2), (["use", "nothing"], 2)]
)
def test_the_job_ends_with_its_exit_code(model: Path, arguments: list[str], code: int) -> None:
    result = subprocess.run(
        [
            *(sys.executable, str(project_home() / "jobs/model.py"), *arguments),
            *("--model-path", str(model)),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(project_home() / "lib")},
    )
    assert result.returncode == code, result.stderr
    assert result.stderr.count("\n") == (code > 0)
