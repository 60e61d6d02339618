"""Versions side by side: put to use, taken back, and never half of one."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from saved_models import SHIPPED, copy_of

from churn_tools.models.version_store import Store, version_name
from telco_churn.errors import ModelError, SettingsError
from telco_churn.model.manifest import MANIFEST_NAME, read_manifest
from telco_churn.model.verification import verify_files


def version(store: Store, name: str) -> Path:
    """A model like the shipped one, under another name, in the store."""
    return rename(copy_of(SHIPPED, store.directory / name), name)


def rename(path: Path, name: str) -> Path:
    document = json.loads((path / MANIFEST_NAME).read_text())
    day = 1 + int.from_bytes(name.encode()) % 27
    created = f"2027-01-{day:02}T00:00:00Z"
    (path / MANIFEST_NAME).write_text(json.dumps(document | {"version": name, "created": created}))
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The shipped model in use, and two others, b and c."""
    store = Store(tmp_path / "versions", rename(copy_of(SHIPPED, tmp_path / "churn"), "a"))
    for name in ("b", "c"):
        version(store, name)
    return store


def in_use(store: Store) -> str:
    """What the job would load, every file of it verified."""
    manifest = read_manifest(store.in_use)
    verify_files(store.in_use, manifest)
    return manifest.version


def names(store: Store) -> list[tuple[str, bool]]:
    return [(version.manifest.version, version.is_in_use) for version in store.versions()]


def test_what_the_job_reads_is_listed_though_it_is_not_in_the_store(store: Store) -> None:
    assert names(store) == [("a", True), ("b", False), ("c", False)]
    assert store.find("a").path == store.in_use


def test_a_version_is_put_to_use_and_the_one_before_is_kept(store: Store) -> None:
    assert store.use("b").version == "b"
    assert in_use(store) == "b"
    assert names(store) == [("a", False), ("b", True), ("c", False)]
    verify_files(store.directory / "a", read_manifest(store.directory / "a"))
    assert sorted(path.name for path in store.in_use.iterdir()) == [
        MANIFEST_NAME,
        read_manifest(store.in_use).pipeline,
    ]


def test_rollback_goes_back_step_by_step_and_then_says_that_it_cannot(store: Store) -> None:
    store.use("b")
    store.use("c")
    store.use("c")
    assert [store.rollback().version, in_use(store)] == ["b", "b"]
    assert [store.rollback().version, in_use(store)] == ["a", "a"]
    with pytest.raises(SettingsError, match="no version was in use before this one; choose one"):
        store.rollback()
    assert in_use(store) == "a"


def test_after_a_rollback_another_way_is_remembered(store: Store) -> None:
    store.use("b")
    store.rollback()
    store.use("c")
    assert store.rollback().version == "a"


def test_a_command_that_ended_before_it_noted_what_it_did_confuses_nobody(store: Store) -> None:
    store.use("b")
    noted = (store.directory / "history").read_text()
    store.use("c")
    (store.directory / "history").write_text(noted)  # of the last change only the model is there
    assert store.rollback().version == "b"
    (store.directory / "history").write_text("a\nb\nc\n")  # went back, and did not note it
    assert store.rollback().version == "a"


def test_a_model_that_was_trained_where_the_job_reads_is_kept_and_gone_back_to(
    store: Store,
) -> None:
    store.use("b")
    rename(store.in_use, "trained")
    store.use("c")
    assert (store.directory / "trained" / MANIFEST_NAME).is_file()
    assert [store.rollback().version, in_use(store)] == ["trained", "trained"]


def test_a_version_that_was_changed_is_refused_and_the_old_one_stays(store: Store) -> None:
    next((store.directory / "b").glob("pipeline/stages/*/metadata/part-*")).write_text("{}")
    with pytest.raises(ModelError, match="does not match its SHA-256"):
        store.use("b")
    assert in_use(store) == "a"


def test_a_version_that_is_changed_while_it_is_copied_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("churn_tools.models.version_store.verify_files", lambda *_: None)
    next((store.directory / "b").glob("pipeline/stages/*/metadata/part-*")).write_text("{}")
    with pytest.raises(ModelError, match="was changed while it was copied"):
        store.use("b")
    assert in_use(store) == "a"


def test_a_damaged_model_does_not_stand_in_the_way_of_a_good_one(store: Store) -> None:
    next(store.in_use.glob("pipeline/stages/*/metadata/part-*")).unlink()
    store.use("b")
    assert in_use(store) == "b"
    assert not (store.directory / "a").exists()
    next(store.in_use.glob("pipeline-*/stages/*/metadata/part-*")).unlink()
    store.use("b")
    assert in_use(store) == "b"


def test_a_job_without_a_model_gets_one(store: Store) -> None:
    store = Store(store.directory, store.directory.parent / "none" / "yet")
    store.use("c")
    assert in_use(store) == "c"
    assert names(store) == [("b", False), ("c", True)]


def test_what_is_not_there_is_told_with_what_is(store: Store) -> None:
    with pytest.raises(SettingsError, match=r"no version 'd' in .*; there are: a, b, c$"):
        store.use("d")
    assert in_use(store) == "a"


def test_a_version_without_a_manifest_is_passed_over_and_named(store: Store) -> None:
    (store.directory / "b" / MANIFEST_NAME).write_text("{}")
    assert names(store) == [("a", True), ("c", False)]
    assert store.damaged() == [store.directory / "b"]


def test_a_name_is_taken_once(store: Store, tmp_path: Path) -> None:
    made = rename(copy_of(SHIPPED, store.directory / ".new"), "d")
    store.add(made, "d")
    with pytest.raises(SettingsError, match="there is a version 'd' already; give another"):
        store.check_new("d")
    with pytest.raises(SettingsError, match="there is a version 'a' already"):
        store.check_new("a")


def test_a_place_that_takes_no_store_is_one_line() -> None:
    with pytest.raises(SettingsError, match="cannot use the store /proc/self/versions: "):
        Store(Path("/proc/self/versions"), SHIPPED).use("a")


@pytest.mark.parametrize("text", ["", "..", ".hidden", "a/b", "a b", "history", "x" * 65, "ä"])
def test_what_cannot_name_a_directory_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="is no version"):
        version_name(text)


def use_often(store: Store, names: tuple[str, ...]) -> None:
    for name in names * 2:
        store.use(name)


def test_a_reader_finds_a_whole_model_while_two_change_it(store: Store) -> None:
    seen = set()
    with ThreadPoolExecutor() as pool:
        writers = [pool.submit(use_often, store, names) for names in (("a", "b"), ("c", "b"))]
        while not all(writer.done() for writer in writers):
            manifest = read_manifest(store.in_use)
            seen.add(manifest.version)
            is_there = (store.in_use / manifest.pipeline).is_dir()
            assert is_there or read_manifest(store.in_use) != manifest
    for writer in writers:
        writer.result()
    assert len(seen) > 1
    assert in_use(store) in "abc"
