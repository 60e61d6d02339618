from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from sandbox.errors import SandboxError
from sandbox.scratch import scratch_directory


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_each_run_has_a_new_directory_that_nobody_else_can_read(temporary: Path) -> None:
    first, second = scratch_directory(), scratch_directory()
    assert first != second
    assert {first.parent, second.parent} == {temporary}
    assert first.stat().st_mode & 0o077 == 0


def test_a_disk_that_is_nearly_full_is_told_and_nothing_is_left(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 9 * 10**8, 10**8))
    with pytest.raises(
        SandboxError, match=r"only 100 MB are free in .*, 500 MB are needed"
    ) as told:
        scratch_directory()
    assert told.value.exit_code == 2
    assert list(temporary.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_told(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(temporary / "absent"))
    with pytest.raises(SandboxError, match=r"no scratch directory: .*; set TMPDIR to a writable"):
        scratch_directory()
