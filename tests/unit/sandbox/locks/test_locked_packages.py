"""The locks of the Python packages fit setup.cfg, and name nothing but versions and hashes."""

from __future__ import annotations

import re
import shutil
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from sources import HOME

from sandbox.errors import SandboxError
from sandbox.locks import locked_packages
from sandbox.locks.locked_packages import EXTRAS, blocks, lock_file, write_package_locks


def requirements(extra: str) -> list[Requirement]:
    """What is in the lock of an extra; '' for the job's."""
    heads = [block.partition(" \\")[0] for block in blocks(lock_file(extra).read_text("utf-8"))]
    return [Requirement(head) for head in heads]


def pins(extra: str) -> list[Requirement]:
    """What setup.cfg pins for it."""
    parser = ConfigParser()
    parser.read(HOME / "setup.cfg", encoding="utf-8")
    section, key = ("options.extras_require", extra) if extra else ("options", "install_requires")
    lines = parser[section][key].splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_every_pin_of_setup_cfg_is_locked(extra: str) -> None:
    locked = {
        (canonicalize_name(found.name), str(found.specifier))
        for lock in {"", extra}
        for found in requirements(lock)
    }
    wanted = {(canonicalize_name(pin.name), str(pin.specifier)) for pin in pins(extra)}
    assert wanted - locked == set(), "python -m sandbox.locks writes the locks anew"


def test_no_extra_of_setup_cfg_is_without_a_lock() -> None:
    parser = ConfigParser()
    parser.read(HOME / "setup.cfg", encoding="utf-8")
    assert set(EXTRAS) == set(parser["options.extras_require"])
    assert {lock_file(extra) for extra in ("", *EXTRAS)} == set(HOME.glob("requirements*.lock"))


def test_what_builds_a_package_is_the_locked_one() -> None:
    asked = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    assert set(asked) <= {str(found) for found in requirements("build")}


@pytest.mark.parametrize("extra", ["", *EXTRAS])
def test_a_lock_holds_versions_with_their_hashes_and_no_word_on_where_they_come_from(
    extra: str,
) -> None:
    lines = lock_file(extra).read_text("utf-8").splitlines()
    packages = [line for line in lines if "==" in line and not line.startswith("#")]
    assert packages
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.!]+( ; .+)? \\", line) for line in packages)
    rest = [line for line in lines if line not in packages and not line.startswith("#")]
    assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in rest)
    assert len(blocks("\n".join(lines))) == len(packages)
    assert "://" not in "\n".join(lines)


def test_a_version_is_left_to_nobody() -> None:
    every = [found for extra in ("", *EXTRAS) for found in requirements(extra)]
    without_marker = {found.name: str(found.specifier) for found in every if not found.marker}
    assert all(
        without_marker.get(found.name, str(found.specifier)) == str(found.specifier)
        for found in every
    )


def test_without_uv_it_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(locked_packages, "HOME", tmp_path)
    with pytest.raises(SandboxError, match="uv is not there"):
        write_package_locks()
