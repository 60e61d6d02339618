from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from stream_telemetry.checkpoint.files import (
    AlreadyThereError,
    CheckpointFileError,
    CheckpointFiles,
    DamagedFileError,
)


def local_directory(files: CheckpointFiles) -> Path:
    directory = files.local()
    assert directory is not None
    return directory


def test_what_is_written_can_be_read_listed_replaced_and_deleted(files: CheckpointFiles) -> None:
    files.write("offsets/1", "one\nü\n")
    files.write("offsets/1", "two\nü\n")
    files.write("offsets/x,2", "")
    assert files.read("offsets/1") == "two\nü\n"
    assert (local_directory(files) / "offsets/1").read_text(encoding="utf-8") == "two\nü\n"
    assert sorted(files.names("offsets")) == ["1", "x,2"]
    assert files.names() == ["offsets"]
    files.delete("offsets/1")
    files.delete("offsets/1")
    assert files.read("offsets/1") is None


def test_what_is_not_there_is_nothing_and_what_is_no_folder_an_error(
    files: CheckpointFiles,
) -> None:
    assert files.read("a") is None
    assert files.names("a") == []
    files.write("a", "")
    with pytest.raises(CheckpointFileError, match="is no directory"):
        files.names("a")


def test_of_several_who_create_a_file_one_can(files: CheckpointFiles) -> None:
    made: list[int] = []

    def create(number: int) -> None:
        try:
            files.create("lease", str(number))
            made.append(number)
        except AlreadyThereError:
            pass

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [files.read("lease")] == [str(number) for number in made]


def test_a_file_that_was_changed_behind_hadoop_s_back_is_damaged(files: CheckpointFiles) -> None:
    files.write("metadata", "as it was")
    (local_directory(files) / "metadata").write_text("something")
    with pytest.raises(DamagedFileError, match="Checksum"):
        files.read("metadata")


@pytest.mark.parametrize("is_never_gone", [True, False])
def test_a_file_that_is_replaced_again_and_again_is_never_damaged(
    files: CheckpointFiles, is_never_gone: bool
) -> None:
    texts = ["one", "another" * 100]
    files.create("leases/1", texts[0])
    write = files.replace if is_never_gone else files.write
    is_over = threading.Event()

    def replace() -> None:
        while not is_over.is_set():
            for text in texts:
                write("leases/1", text)

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        seen = {files.read("leases/1") for _ in range(300)}
    finally:
        is_over.set()
        writer.join()
    # Hadoop deletes the old file before it puts the new one in its place.
    assert seen <= {*texts, *([] if is_never_gone else [None])}


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("nofs://host/x", 'No FileSystem for scheme "nofs"'),
        ("hdfs:/x", "Incomplete HDFS URI"),
        ("a:b", "Relative path in absolute URI"),
    ],
)
def test_a_location_that_hadoop_has_no_file_system_for_is_one_line(
    files: CheckpointFiles, location: str, said: str
) -> None:
    with pytest.raises(CheckpointFileError, match=said) as raised:
        CheckpointFiles(location)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("form", ["{}", "file:{}", "file://{}"])
def test_however_a_directory_of_this_machine_is_written_it_is_known_as_that(
    files: CheckpointFiles, tmp_path: Path, form: str
) -> None:
    found = CheckpointFiles(form.format(tmp_path))
    assert (found.local(), found.scheme) == (tmp_path, "file")


def test_a_plain_path_is_where_the_site_s_default_file_system_is(
    site: Any, linked: str, tmp_path: Path
) -> None:
    site("fs.defaultFS", f"{linked}/")
    found = CheckpointFiles("/data/checkpoint")
    found.make()
    found.write("x", "1")
    found.create("y", "2")
    assert found.uri == f"{linked}/data/checkpoint"
    assert sorted(found.names()) == ["x", "y"]
    assert (tmp_path / "checkpoint/x").read_text() == "1"
    assert found.local() == tmp_path / "checkpoint"
    with pytest.raises(AlreadyThereError):
        found.create("y", "3")


def test_a_file_system_without_hadoop_s_newer_interface_can_replace_a_file_too(
    site: Any, linked: str
) -> None:
    site("fs.AbstractFileSystem.viewfs.impl", "no.such.Class")
    found = CheckpointFiles(f"{linked}/data")
    found.write("x", "1")
    found.write("x", "2")
    assert (found.read("x"), found.names()) == ("2", ["x"])


def test_a_directory_that_is_made_is_its_owner_s_alone_and_another_stays_as_it_is(
    files: CheckpointFiles, tmp_path: Path
) -> None:
    new, shared = tmp_path / "above" / "new", tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o750)
    for directory in (new, shared):
        CheckpointFiles(str(directory)).make()
    assert new.stat().st_mode & 0o777 == 0o700
    assert shared.stat().st_mode & 0o777 == 0o750
