"""Attacks by whoever may write to the directory of a model that is saved for real."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from load import meanwhile
from saved_models import SHIPPED, copy_of, metadata_of, rewrite_as_if_listed

from telco_churn.errors import ModelError
from telco_churn.model.loading import load_model
from telco_churn.model.manifest import MANIFEST_NAME, MOST_MANIFEST_BYTES, read_manifest
from telco_churn.model.trust import private_copy as copying
from telco_churn.model.trust.private_copy import DEEPEST, private_copy
from telco_churn.model.verification import MOST_METADATA_BYTES, verify_files


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return copy_of(SHIPPED, tmp_path / "churn")


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Copies come here, and are gone when their block has ended."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    yield
    assert list((tmp_path / "temporary").iterdir()) == []


def refusal(model: Path) -> str:
    """The line, which comes before anything needs Spark."""
    with pytest.raises(ModelError) as caught:
        load_model(model)
    said = str(caught.value)
    assert caught.value.exit_code == 3
    assert "\n" not in said
    assert "churn-model-" not in said, "nobody knows the copy"
    return said


def listed(model: Path, name: str) -> None:
    """Puts a file into the manifest, with the digest of nothing."""
    document = json.loads((model / MANIFEST_NAME).read_text())
    document["files"][name] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (model / MANIFEST_NAME).write_text(json.dumps(document))


def in_secret(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def out_of_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def into_a_pipe(path: Path) -> None:
    os.mkfifo(path)


def into_a_socket(path: Path) -> None:
    here = Path.cwd()
    try:
        # The address of a socket may be no longer than 108 bytes.
        os.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


KINDS = [in_secret, out_of_a_device, into_a_pipe, into_a_socket]


@pytest.mark.parametrize("put", KINDS)
@pytest.mark.parametrize("is_listed", [True, False])
def test_what_is_no_plain_file_is_neither_followed_nor_waited_for(
    model: Path, put: Callable[[Path], None], is_listed: bool
) -> None:
    put(model / "pipeline/stages/more")
    if is_listed:
        listed(model, "pipeline/stages/more")
    assert f"model {model}: pipeline/stages/more is no plain file" in refusal(model)


@pytest.mark.parametrize("put", KINDS)
def test_a_manifest_that_is_no_plain_file_is_refused(
    model: Path, put: Callable[[Path], None]
) -> None:
    (model / MANIFEST_NAME).unlink()
    put(model / MANIFEST_NAME)
    assert "cannot read manifest.json (is no plain file" in refusal(model)


def test_a_file_that_was_exchanged_for_a_link_to_its_like_is_refused(
    model: Path, tmp_path: Path
) -> None:
    victim = metadata_of(model, "VectorAssembler")
    shutil.move(victim, tmp_path / "elsewhere")
    victim.symlink_to(tmp_path / "elsewhere")
    assert "is no plain file" in refusal(model)


def test_a_stage_that_is_a_link_to_its_like_is_refused(model: Path, tmp_path: Path) -> None:
    stages = model / "pipeline/stages"
    shutil.move(stages, tmp_path / "elsewhere")
    stages.symlink_to(tmp_path / "elsewhere")
    assert "pipeline/stages is no plain file" in refusal(model)


def test_the_models_directory_itself_may_be_a_link(model: Path, tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(model)
    with private_copy(tmp_path / "current", lambda entry: True) as copy:
        verify_files(copy, read_manifest(tmp_path / "current"))


@pytest.mark.parametrize("name", ["/etc/passwd", "pipeline/../../secret", "../secret", "pipeline"])
def test_a_path_out_of_the_model_in_its_manifest_is_a_file_that_is_missing(
    model: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret").write_text("")
    listed(model, name)
    assert f"{name} is missing" in refusal(model)


def test_too_many_files_are_refused_however_many_there_are(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "MOST_ENTRIES", 50)
    for number in range(60):
        (model / f"pipeline/part-{number}").touch()
    assert "is one file more than 50" in refusal(model)


def test_directories_within_each_other_come_to_an_end(model: Path) -> None:
    deep = model / "pipeline" / "/".join(["stages"] * (DEEPEST + 1))
    deep.mkdir(parents=True)
    assert f"lies in more than {DEEPEST} directories" in refusal(model)


def with_holes(path: Path, size: int) -> None:
    """A file that takes no room here."""
    with path.open("wb") as file:
        file.truncate(size)


def test_a_file_that_is_too_large_is_refused_before_it_is_copied(model: Path) -> None:
    with_holes(model / "pipeline/large", 2**40)
    assert "pipeline/large is larger than 134,217,728 bytes" in refusal(model)


def test_files_that_are_too_large_together_are_refused(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "MOST_BYTES", 2 * 2**20)
    for number in range(3):
        with_holes(model / f"pipeline/part-{number}", 2**20)
    assert "brings the model to more than 2,097,152 bytes" in refusal(model)


def test_a_manifest_that_is_too_large_is_refused(model: Path) -> None:
    with (model / MANIFEST_NAME).open("ab") as file:
        file.truncate(MOST_MANIFEST_BYTES + 1)
    assert "cannot read manifest.json (is larger than 4,194,304 bytes)" in refusal(model)


def test_metadata_that_is_too_long_is_refused(model: Path) -> None:
    source = metadata_of(model, "VectorAssembler")
    rewrite_as_if_listed(model, source, source.read_text().strip() + " " * MOST_METADATA_BYTES)
    assert f"{source.name} is larger than 1,048,576 bytes" in refusal(model)


def test_brackets_without_end_are_refused(model: Path) -> None:
    source = metadata_of(model, "VectorAssembler")
    rewrite_as_if_listed(model, source, '{"class":' + "[" * 200_000)
    assert "is not a stage's metadata" in refusal(model)
    (model / MANIFEST_NAME).write_text("[" * 200_000)
    assert "manifest.json is not JSON" in refusal(model)


@pytest.mark.parametrize("name", ["a\nb", "ä", "\udcff"])
def test_a_name_that_could_not_be_told_in_a_line_is_refused(model: Path, name: str) -> None:
    (model / "pipeline" / name).touch()
    said = refusal(model)
    assert f"{name!a} is not a name of plain letters" in said
    assert said.isascii()


def test_nobody_else_may_enter_the_copy(model: Path) -> None:
    with private_copy(model, lambda entry: True) as copy:
        assert stat.S_IMODE(copy.stat().st_mode) == 0o700
        assert (copy / MANIFEST_NAME).read_bytes() == (model / MANIFEST_NAME).read_bytes()


def test_no_room_for_the_copy_is_not_called_a_fault_of_the_model(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
        assert "cannot be copied, to be checked: No such file" in refusal(model)


def changing(path: Path, *contents: bytes) -> AbstractContextManager[None]:
    """A block in which somebody writes one after the other to a file, as fast as can be."""

    def change() -> None:
        for content in contents:
            path.write_bytes(content)

    return meanwhile(change, pause=0.0)


def test_a_file_that_changes_all_the_time_is_right_or_refused(model: Path) -> None:
    manifest, victim = read_manifest(model), metadata_of(model, "VectorAssembler")
    right = victim.read_bytes()
    evil = right.replace(b"feature.VectorAssembler", b"feature.SQLTransformer")
    refused = taken = 0
    with changing(victim, right, evil):
        while not (refused and taken):
            with private_copy(model, lambda entry: True) as copy:
                try:
                    (copy / MANIFEST_NAME).unlink()
                    verify_files(copy, manifest)
                except ModelError:
                    refused += 1
                else:
                    taken += 1
                    assert (copy / victim.relative_to(model)).read_bytes() == right
