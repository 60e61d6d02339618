from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.errors import LaunchError
from launcher.java_home import made_for, make_java_home


def test_a_home_is_made_once_and_tells_what_it_stands_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SANDBOX_CACHE", str(tmp_path))
    program = Path("/opt/a b/it's/java")
    home = make_java_home(program, "17.0.1")
    written = (home / "bin" / "java").stat()
    assert make_java_home(program, "17.0.1") == home
    assert (home / "bin" / "java").stat().st_mtime_ns == written.st_mtime_ns
    assert made_for(home) == ("17.0.1", program)
    assert made_for(tmp_path) is None
    assert make_java_home(Path("/opt/java"), "17.0.1") != home


def test_a_cache_that_can_only_be_read_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SANDBOX_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    home = make_java_home(Path("/opt/java"), "17.0.1")
    assert home.parents[1] == tmp_path / f"telco-churn-stream-{os.getuid()}"
    assert made_for(home) == ("17.0.1", Path("/opt/java"))


def test_nowhere_to_write_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("SANDBOX_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    with pytest.raises(
        LaunchError, match=r"cannot write .*Not a directory.*; set SANDBOX_CACHE to"
    ):
        make_java_home(Path("/opt/java"), "17.0.1")


@pytest.mark.needs("unshare")
def test_a_machine_where_nothing_can_be_run_from_the_cache_is_one_line(tmp_path: Path) -> None:
    mounted = 'mount -t tmpfs -o noexec tmpfs "$SANDBOX_CACHE" && exec "$0" -c "$1"'
    chosen = "from launcher.java import chosen_java; chosen_java()"
    said = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", mounted, sys.executable, chosen],
        env={
            **os.environ,
            "SANDBOX_CACHE": str(tmp_path),
            "TMPDIR": str(tmp_path),
            "JAVA_HOME": "",
        },
        capture_output=True,
        text=True,
    )
    line = said.stderr.splitlines()[-1]
    assert "(is it mounted noexec?)" in line
    assert "set SANDBOX_CACHE" in line
