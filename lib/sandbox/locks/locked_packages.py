"""The locks of the Python packages: all that the pins of setup.cfg pull in, with SHA-256.

One file serves every Python and machine: it holds the hashes of all wheels of a version, and
markers for what only some need. Whoever installs the job need not have what only tests need, so
each extra has a file of its own, which comes after the job's.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox.errors import SandboxError

HOME = Path(__file__).resolve().parents[3]
EXTRAS = ("build", "java", "dev", "docs", "mlflow", "otel", "bench")
_OLDEST_PYTHON = "3.11"
_HEAD = """\
# Every package for {what}, with the SHA-256 of each of its files.
# Written by `python -m sandbox.locks` from the pins in setup.cfg.
"""


def lock_file(extra: str = "") -> Path:
    """The lock of an extra of setup.cfg; without one, that of what the job itself needs."""
    return HOME / (f"requirements-{extra}.lock" if extra else "requirements.lock")


def write_package_locks() -> None:
    """Writes `requirements.lock` and one lock for each extra; a version changes only if it has to.

    Raises:
        SandboxError: uv is not there, or finds no versions that fit each other.
    """
    kept = [lock_file(extra) for extra in ("", *EXTRAS) if lock_file(extra).exists()]
    with tempfile.NamedTemporaryFile("w", suffix=".lock", encoding="utf-8") as together:
        # Extras are installed together, so what two of them need has one version.
        together.write("\n".join(_compiled("all locks", kept, "--all-extras")))
        together.flush()
        bounds = ("-c", together.name)
        job = _compiled(lock_file().name, [lock_file()], *bounds)
        _write(lock_file(), "the job", job)
        for extra in EXTRAS:
            path = lock_file(extra)
            found = _compiled(path.name, [path], "--extra", extra, *bounds)
            added = [block for block in found if block not in job]
            _write(path, f"the extra {extra}, beside those of requirements.lock", added)


def blocks(text: str) -> list[str]:
    """The parts of a lock: each a `name==version`, perhaps with a marker, and its hashes."""
    return re.findall(r"^[\w.-]+==.*(?:\n +.*)*", text, re.MULTILINE)


def _write(path: Path, what: str, parts: list[str]) -> None:
    path.write_text(_HEAD.format(what=what) + "\n".join([*parts, ""]), "utf-8")


def _compiled(name: str, kept: list[Path], *options: str) -> list[str]:
    """What uv makes of setup.cfg; versions in the locks that are there are kept if they fit."""
    sys.stderr.write(f"Resolving {name} ...\n")
    with tempfile.NamedTemporaryFile("w+", suffix=".lock", encoding="utf-8") as scratch:
        scratch.write("\n".join(path.read_text("utf-8") for path in kept if path.exists()))
        scratch.flush()
        command = [
            *(_uv(), "pip", "compile", "setup.cfg", *options, "--output-file", scratch.name),
            *("--universal", "--python-version", _OLDEST_PYTHON, "--generate-hashes"),
            *("--no-annotate", "--no-header", "--quiet"),
        ]
        run = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise SandboxError(f"{name} cannot be made: {' '.join(run.stderr.split())}")
        return blocks(Path(scratch.name).read_text("utf-8"))


def _uv() -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    found = shutil.which("uv", path=path)
    if not found:
        raise SandboxError("uv is not there; ./run-tests.sh installs it into .venv (extra dev)")
    return found
