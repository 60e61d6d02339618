"""Jars that are kept: there is a whole set of them, or none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from launcher.cache import jars
from launcher.cache.jars import JarSet, fetch
from launcher.errors import LaunchError

TOOLS = JarSet("Tools 1.0", "tools-1.0", ("a:b:1.0",), (), megabytes=7)
JARS = ("a_a-1.0.jar", "b_b-1.0.jar")


@pytest.fixture(autouse=True)
def cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock_jars: Callable[[Path], None]
) -> Path:
    """A cache that is still empty; two jars without a byte are locked."""
    monkeypatch.setenv("SANDBOX_CACHE", str(tmp_path / "cache"))
    locked = tmp_path / "locked" / "tools-1.0"
    locked.mkdir(parents=True)
    for name in JARS:
        (locked / name).touch()
    lock_jars(locked)
    return tmp_path / "cache"


def resolves(*names: str) -> object:
    """A resolver that finds these jars, in the place of Spark's own."""

    def resolve(jar_set: JarSet, ivy_home: Path, target: Path, check: object) -> None:
        fill(ivy_home / "jars", *names)

    return resolve


def fill(directory: Path, *names: str) -> None:
    directory.mkdir(parents=True)
    for name in names:
        (directory / name).touch()


def test_what_is_kept_is_not_fetched_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(cache / "tools-1.0", *JARS)
    monkeypatch.delattr(jars, "_resolve")
    assert fetch(TOOLS) == cache / "tools-1.0"
    assert capsys.readouterr().err == ""


def test_what_is_fetched_is_kept_and_told(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(jars, "_resolve", resolves(*JARS))
    found = fetch(TOOLS)
    assert sorted(path.name for path in found.iterdir()) == [*JARS]
    assert [path.name for path in cache.iterdir()] == ["tools-1.0"]
    assert capsys.readouterr().err == "Downloading Tools 1.0 (about 7 MB, once) ...\n"


def test_a_download_that_fails_leaves_nothing_that_looks_whole(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise LaunchError("no network")

    monkeypatch.setattr(jars, "_resolve", fail)
    with pytest.raises(LaunchError, match="no network"):
        fetch(TOOLS)
    assert list(cache.iterdir()) == []


def test_a_faster_process_has_fetched_the_same(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(jar_set: JarSet, ivy_home: Path, target: Path, check: object) -> None:
        fill(ivy_home / "jars", *JARS)
        fill(target, *JARS, "theirs.txt")

    monkeypatch.setattr(jars, "_resolve", resolve)
    assert (fetch(TOOLS) / "theirs.txt").exists()


def test_what_is_kept_and_has_been_changed_is_not_used(cache: Path) -> None:
    fill(cache / "tools-1.0", *JARS)
    (cache / "tools-1.0" / JARS[1]).write_text("changed")
    with pytest.raises(LaunchError, match=rf"{JARS[1]} is not .*; remove {cache}/tools-1\.0, and"):
        fetch(TOOLS)


@pytest.mark.parametrize("names", [(*JARS, "c_c-1.0.jar"), JARS[:1]])
def test_a_download_of_other_jars_than_the_locked_ones_is_not_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    monkeypatch.setattr(jars, "_resolve", resolves(*names))
    with pytest.raises(
        LaunchError, match=r"_\w-1\.0\.jar is not .*; nothing was kept; ask whoever"
    ):
        fetch(TOOLS)
    assert list(cache.iterdir()) == []


def test_what_the_lock_does_not_name_is_not_even_asked_for(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(jars, "_resolve")
    with pytest.raises(LaunchError, match=r"names no jars for tools-1\.1, so none are fetched"):
        fetch(replace(TOOLS, directory="tools-1.1"))
    assert not cache.exists()


def test_a_cache_that_is_no_directory_is_one_line(cache: Path) -> None:
    cache.write_text("")
    with pytest.raises(LaunchError, match=r"cannot keep Tools 1\.0 in .*; make room there, or set"):
        fetch(TOOLS)


def test_a_terminal_is_shown_how_much_has_come_and_a_file_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a" / "jars").mkdir(parents=True)
    (tmp_path / "a" / "jars" / "a.jar").write_bytes(bytes(1_500_000))
    (tmp_path / "a" / "jars" / "b.jar.part").write_bytes(bytes(500_000))
    (tmp_path / "a" / "ivy.xml").write_bytes(bytes(900_000))
    jars._show_progress(tmp_path, 7)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    jars._show_progress(tmp_path, 7)
    assert "2.0 of about 7 MB" in capsys.readouterr().err
