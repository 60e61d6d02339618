"""What `pip install .` brings, and the telemetry alone: built, installed and called."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

import pytest

from telco_churn.paths import project_home

HOME = project_home()
ALONE = HOME / "lib" / "stream_telemetry"


def wheel_of(project: Path, directory: Path) -> Path:
    """The wheel of a copy, so that building leaves nothing in the project."""
    left = shutil.ignore_patterns(".*", "build", "__pycache__", "*.egg-info")
    copy = Path(shutil.copytree(project, directory / "project", ignore=left))
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*pip, "--wheel-dir", str(directory), str(copy)], check=True, timeout=120)
    (wheel,) = directory.glob("*.whl")
    return wheel


def environment_with(wheel: Path, directory: Path) -> Path:
    """The directory of programs of an environment that has the wheel, and what it depends on."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(directory)], check=True)
    programs = directory / "bin"
    pip = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "install"]
    # A checkout on the path would count as installed.
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [*pip, "--no-deps", "--quiet", str(wheel)]
    subprocess.run(command, check=True, timeout=120, env=plain)
    (packages,) = directory.glob("lib/python*/site-packages")
    # What it depends on is here already; only this checkout must not stand in for the wheel.
    (packages / "beside.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


def called(program: Path, *words: str, cwd: Path) -> str:
    kept = {"HOME", "LANG", "SANDBOX_CACHE", "XDG_CACHE_HOME"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(program), *words],
        cwd=cwd,
        env={**environment, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    return environment_with(wheel_of(HOME, directory), directory / "environment")


def test_each_program_is_on_the_path_and_knows_its_version(programs: Path, tmp_path: Path) -> None:
    setup = ConfigParser()
    setup.read(HOME / "setup.cfg", encoding="utf-8")
    declared = setup["options.entry_points"]["console_scripts"].split("\n")
    names = {line.partition(" = ")[0] for line in declared if line}
    assert {"churn-stream", "churn-stream-verify"} <= names
    for name in names:
        assert "0.2.0" in called(programs / name, "--version", cwd=tmp_path)


def test_what_it_needs_beside_its_packages_is_installed_with_it(
    programs: Path, tmp_path: Path
) -> None:
    asked = "from telco_churn.paths import project_home as home; print(home())"
    home = Path(called(programs / "python", "-c", asked, cwd=tmp_path).strip())
    assert home == programs.parent / "share" / "telco-churn-stream"
    for path in (
        "conf/churn_stream.toml",
        "conf/contracts/prediction.json",
        "jobs/churn_stream.py",
    ):
        assert (home / path).read_text("utf-8") == (HOME / path).read_text("utf-8")
    assert (home / "models" / "churn" / "manifest.json").is_file()


@pytest.mark.slow
def test_an_installed_sandbox_scores_and_writes_where_it_is_called(
    programs: Path, tmp_path: Path
) -> None:
    run = ("--sandbox", "--trigger", "once", "--events", "100", "--metrics-port", "0")
    told = called(programs / "churn-stream", *run, cwd=tmp_path)
    assert "100" in told
    assert (tmp_path / "logs" / "kafka_consumer.log").is_file()


def test_the_telemetry_alone_lists_its_packages_and_the_projects_versions() -> None:
    project = tomllib.loads((ALONE / "pyproject.toml").read_text("utf-8"))
    folders = {path.parent for path in ALONE.rglob("__init__.py") if "build" not in path.parts}
    named = {".".join(("stream_telemetry", *path.relative_to(ALONE).parts)) for path in folders}
    assert set(project["tool"]["setuptools"]["packages"]) == named
    setup = (HOME / "setup.cfg").read_text("utf-8")
    for pin in project["project"]["dependencies"]:
        assert re.search(rf"^    {re.escape(pin)}$", setup, re.MULTILINE), pin
    version = re.search(r"^version = (.+)$", setup, re.MULTILINE)
    assert version
    assert project["project"]["version"] == version[1]


def test_the_telemetry_can_be_installed_alone(tmp_path: Path) -> None:
    wheel = wheel_of(ALONE, tmp_path)
    packed = {Path(name).parts[0] for name in ZipFile(wheel).namelist()}
    assert packed == {"stream_telemetry", "stream_telemetry-0.2.0.dist-info"}
    programs = environment_with(wheel, tmp_path / "environment")
    asked = "import stream_telemetry.telemetry as t; print(t.__file__)"
    found = Path(called(programs / "python", "-c", asked, cwd=tmp_path).strip())
    assert found.is_relative_to(tmp_path)
