from __future__ import annotations

import os
from pathlib import Path

import pytest

from launcher.cache.directory import cache_directory
from launcher.errors import LaunchError


@pytest.fixture(autouse=True)
def _nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SANDBOX_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_the_environment_can_name_the_cache_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_directory() == tmp_path / ".cache" / "telco-churn-stream"
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/ann")
    assert cache_directory() == Path("/var/cache/ann/telco-churn-stream")
    monkeypatch.setenv("SANDBOX_CACHE", "here")
    assert cache_directory() == Path.cwd() / "here"


def test_a_user_without_a_home_gets_one_of_his_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/dev/null/nowhere")
    own = cache_directory()
    assert own == tmp_path / f"telco-churn-stream-{os.getuid()}"
    assert own.stat().st_mode & 0o777 == 0o700
    assert cache_directory() == own


def test_what_somebody_else_put_there_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/dev/null/nowhere")
    (tmp_path / "theirs").mkdir()
    (tmp_path / f"telco-churn-stream-{os.getuid()}").symlink_to(tmp_path / "theirs")
    with pytest.raises(LaunchError, match="belongs to somebody else; set SANDBOX_CACHE"):
        cache_directory()
