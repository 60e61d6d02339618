"""`environment.sh` in small projects of its own, under the shells that people have."""

from __future__ import annotations

import hashlib
import os
import pty
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

pytestmark = pytest.mark.needs("dash", "busybox", "unshare")

HOME = Path(__file__).resolve().parents[4]
SCRIPT = """\
set -eu
home=$1 program=test.sh
. "$home/lib/launcher/before/environment.sh"
use_environment
printf '%s\\n' "$python"
"""
# Makes a real environment; what it would download is left out.
UV = """\
#!/bin/sh
echo "$*" >>"$CALLS"
case $* in
    venv*) exec "$REAL_PYTHON" -m venv --without-pip --clear .venv ;;
esac
sleep "${SECONDS_TO_INSTALL:-0}"
case $* in *requirements-java.lock*) exit "${NO_JAVA:-0}" ;; esac
exit "${REFUSED:-0}"
"""
# The last word of each call of the installer.
INSTALLED = ["requirements-build.lock", "requirements-java.lock", "."]


@dataclass
class Project:
    """A directory that looks like the project to `environment.sh`, and a PATH of its own."""

    home: Path
    programs: Path
    shell: tuple[str, ...]

    @property
    def steps(self) -> list[str]:
        """What was made or installed, in order."""
        return [re.sub(r"^pip install.* ", "", call).split()[0] for call in self.calls]

    @property
    def calls(self) -> list[str]:
        """What `uv` was asked for, in order."""
        path = self.programs / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def start(self, **environment: str) -> subprocess.Popen[str]:
        return self.start_with(subprocess.PIPE, **environment)

    def start_with(self, errors: int, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.shell, "-c", SCRIPT, "test.sh", str(self.home)],
            env={
                "PATH": f"{self.programs}:/usr/bin:/bin",
                "HOME": str(self.programs),
                "CALLS": str(self.programs / "calls"),
                "REAL_PYTHON": sys.executable,
                "PYTHON": sys.executable,
                "LC_ALL": "C",
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )

    def run(self, **environment: str) -> subprocess.CompletedProcess[str]:
        process = self.start(**environment)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture(params=["dash", pytest.param("busybox sh", marks=pytest.mark.slow)])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    home = tmp_path / "a [1] ä"
    before = home / "lib" / "launcher" / "before"
    before.parent.mkdir(parents=True)
    shutil.copytree(HOME / "lib" / "launcher" / "before", before)
    (home / "lib" / "launcher" / "java.py").touch()
    (home / "setup.cfg").write_text("[options]\ninstall_requires =\n    nothing-like-it==1.0\n")
    (home / "requirements.lock").write_text("nothing-like-it==1.0 --hash=sha256:0\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "uv").write_text(UV)
    (programs / "uv").chmod(0o755)
    return Project(home, programs, tuple(str(request.param).split()))


def test_a_python_environment_is_made_once(project: Project) -> None:
    first = project.run()
    assert (first.returncode, first.stdout) == (0, f"{project.home}/.venv/bin/python\n")
    assert first.stderr == "Preparing the Python environment (once, about a minute) ...\n"
    assert project.steps == ["venv", *INSTALLED]
    second = project.run()
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, "")
    assert project.steps == ["venv", *INSTALLED]
    assert not (project.home / ".venv.lock").exists()


def test_an_environment_is_brought_up_to_date_without_being_wiped(project: Project) -> None:
    project.run()
    (project.home / ".venv" / "mine").touch()
    (project.home / "setup.cfg").write_text("[options]\ninstall_requires =\n    other==1.0\n")
    again = project.run()
    assert again.returncode == 0
    assert project.steps == ["venv", *INSTALLED, *INSTALLED]
    assert (project.home / ".venv" / "mine").exists()


@pytest.mark.parametrize("pinned", ["setup.cfg", "requirements.lock", "requirements-dev.lock"])
def test_another_pin_or_hash_is_installed_at_the_next_start(project: Project, pinned: str) -> None:
    project.run()
    with (project.home / pinned).open("a") as file:
        file.write("# another\n")
    project.run()
    assert project.steps == ["venv", *INSTALLED, *INSTALLED]


def test_an_installer_is_left_nothing_to_choose(project: Project) -> None:
    project.run()
    venv, *installs, own = project.calls
    assert "--seed" not in venv
    for call in installs:
        assert "--require-hashes" in call
        assert "--no-build-isolation" in call
    assert own.endswith("--no-build-isolation --no-deps --editable .")


def test_a_python_that_has_the_packages_is_used_as_it_is(project: Project) -> None:
    (project.home / "setup.cfg").write_text("[options]\ninstall_requires =\n")
    assert project.run().stdout == f"{sys.executable}\n"
    assert project.calls == []


def test_an_environment_whose_python_is_gone_is_made_anew(project: Project) -> None:
    project.run()
    (project.home / ".venv" / "bin" / "python").unlink()
    (project.home / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    again = project.run()
    assert again.returncode == 0, again.stderr
    assert project.steps == ["venv", *INSTALLED] * 2


def test_two_first_runs_at_the_same_time_make_one(project: Project) -> None:
    both = [project.start(SECONDS_TO_INSTALL="2") for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert project.steps == ["venv", *INSTALLED]


def test_the_lock_of_a_run_that_was_killed_is_taken_over(project: Project) -> None:
    first = project.start(SECONDS_TO_INSTALL="3")
    while len(project.calls) < 3:
        time.sleep(0.05)
    first.kill()
    first.communicate()
    assert (project.home / ".venv.lock").is_dir()
    assert project.run().returncode == 0
    assert not (project.home / ".venv.lock").exists()


def test_a_machine_without_a_fitting_wheel_of_java_goes_on_without(project: Project) -> None:
    assert project.run(NO_JAVA="1").returncode == 0
    build, java, *without = project.steps[1:]
    assert [build, java] == INSTALLED[:2]
    assert without == ["requirements.lock", "."]


def test_packages_that_cannot_be_had_are_one_line(project: Project) -> None:
    (project.programs / "uv").write_text(
        f"{UV.rstrip()}\n".replace("exit", "echo no way >&2; exit")
    )
    refused = project.run(NO_JAVA="1", REFUSED="1")
    assert refused.returncode == 2
    *_, line = refused.stderr.splitlines()
    assert line == "test.sh: the Python packages could not be installed: no way"
    assert not (project.home / ".venv.lock").exists()


@pytest.mark.parametrize(
    ("locked", "complaint"),
    [
        (("a", "0" * 64), r"PACKAGES DO NOT MATCH THE HASHES .* a==1\.0 .* Expected sha256 0{64}"),
        (("a", None), r"all requirements must have their versions pinned .* b .*from a==1\.0"),
    ],
    ids=["of other contents", "named by no lock"],
)
def test_no_package_is_installed_that_the_locks_do_not_name(
    project: Project, tmp_path: Path, locked: tuple[str, str | None], complaint: str
) -> None:
    (project.programs / "uv").unlink()
    served = tmp_path / "served"
    served.mkdir()
    digests = {"a": write_wheel(served, "a", needs="b"), "b": write_wheel(served, "b")}
    name, digest = locked
    (project.home / "requirements-build.lock").write_text(
        f"{name}==1.0 --hash=sha256:{digest or digests[name]}\n"
    )
    # A real pip, and a registry of two packages.
    refused = project.run(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(served), PIP_CONFIG_FILE=os.devnull)
    assert refused.returncode == 2
    *_, line = refused.stderr.splitlines()
    assert line.startswith("test.sh: the Python packages could not be installed: ERROR: ")
    assert re.search(complaint, line)
    assert not list((project.home / ".venv").rglob("a-1.0.dist-info"))


def write_wheel(directory: Path, name: str, needs: str = "") -> str:
    """Writes version 1.0 of a package with nothing in it; its SHA-256."""
    path, info = directory / f"{name}-1.0-py3-none-any.whl", f"{name}-1.0.dist-info"
    requires = f"Requires-Dist: {needs}\n" if needs else ""
    with ZipFile(path, "w") as wheel:
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}"
        )
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_terminal_sees_the_progress_of_the_installer_and_its_own_words(project: Project) -> None:
    (project.programs / "uv").write_text(f"{UV.rstrip()}\n".replace("exit", "echo 5 of 9 MB; exit"))
    terminal, line = pty.openpty()
    with project.start_with(line, NO_JAVA="1", REFUSED="1") as refused:
        os.close(line)
        assert refused.communicate(timeout=60)[0] == ""
    said = os.read(terminal, 10_000).decode().splitlines()
    os.close(terminal)
    assert said[0].startswith("Preparing the Python environment")
    assert "5 of 9 MB" in said
    assert said[-1] == "test.sh: the Python packages could not be installed; see above"
    assert not [call for call in project.calls if call.startswith("pip") and "--quiet" in call]
    assert project.run().returncode == 0
    assert "--quiet" in project.calls[-1]


@pytest.mark.parametrize("named", ["/nowhere/python", "old"])
def test_no_python_and_one_that_is_too_old_are_one_line(project: Project, named: str) -> None:
    (project.programs / "old").write_text("#!/bin/sh\nexit 1\n")
    (project.programs / "old").chmod(0o755)
    refused = project.run(PYTHON=named)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        f"test.sh: no Python >= 3.11 found (tried {named}); install one, or name it in PYTHON\n"
    )


def test_a_colon_in_the_path_is_one_line(project: Project) -> None:
    project.home = project.home.rename(project.home.with_name("12:30"))
    refused = project.run()
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        f"test.sh: {project.home} has a colon, which ends a path for Python and Java; "
        "move the project elsewhere\n"
    )


def test_a_directory_that_cannot_be_written_is_one_line(project: Project) -> None:
    # Root may write anywhere, so it is a file system that refuses.
    mounted = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    command = [*project.shell, "-c", SCRIPT, "test.sh", str(project.home)]
    refused = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", mounted, project.home, *command],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"test.sh: {project.home} cannot be written to")
    assert len(refused.stderr.splitlines()) == 1
