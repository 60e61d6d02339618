"""Jars that are kept: there is a whole set of them, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.cache import jars
from launcher.cache.jars import JarSet, fetch
from launcher.errors import LaunchError

TOOLS = JarSet("Tools 1.0", "tools-1.0", ("a:b:1.0",), (), megabytes=7)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SANDBOX_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def resolves(*names: str) -> object:
    """A resolver that finds these jars, in the place of Spark's own."""

    def resolve(jar_set: JarSet, ivy_home: Path, target: Path, check: object) -> None:
        (ivy_home / "jars").mkdir()
        for name in names:
            (ivy_home / "jars" / name).touch()

    return resolve


def test_what_is_kept_is_not_fetched_again(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (cache / "tools-1.0").mkdir(parents=True)
    monkeypatch.delattr(jars, "_resolve")
    assert fetch(TOOLS) == cache / "tools-1.0"
    assert capsys.readouterr().err == ""


def test_what_is_fetched_is_kept_and_told(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(jars, "_resolve", resolves("a.jar", "b.jar"))
    found = fetch(TOOLS)
    assert sorted(path.name for path in found.iterdir()) == ["a.jar", "b.jar"]
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
        (ivy_home / "jars").mkdir()
        target.mkdir()
        (target / "theirs.jar").touch()

    monkeypatch.setattr(jars, "_resolve", resolve)
    assert [path.name for path in fetch(TOOLS).iterdir()] == ["theirs.jar"]


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
