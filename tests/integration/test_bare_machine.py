"""A machine that has Python and nothing of Java, of monitoring or of this project's caches."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from job import HOME

# Whatever of these is on the machine is covered in a mount namespace of its own.
COVERED = ("java", "javac", "keytool", "prometheus", "promtool", "prometheus-pushgateway", "amtool")
COVER = """
for program do
    mount --bind "$EMPTY" "$program"
done
if command -v java; then exit 99; fi
./spark-submit.sh --sandbox --trigger once --events 200 --metrics-port 0
exec ./run-tests.sh --fast -k test_plan
"""


def programs() -> list[str]:
    """The files behind the names in `COVERED`, wherever the PATH has them."""
    places = [Path(place) for place in os.get_exec_path()]
    found = {(place / name).resolve() for place in places for name in COVERED}
    return sorted(str(path) for path in found if path.is_file())


@pytest.mark.slow
@pytest.mark.needs("unshare")
def test_the_first_commands_need_nothing_but_python(tmp_path: Path) -> None:
    clone, home, empty = tmp_path / "clone", tmp_path / "home", tmp_path / "empty"
    subprocess.run(["git", "clone", "-q", HOME, clone], check=True)
    home.mkdir()
    empty.touch(mode=0o644)
    # The interpreter of the tests' own environment would bring its packages along.
    base = Path(sys.base_prefix) / "bin" / Path(sys.executable).resolve().name
    told = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", COVER, "cover", *programs()],
        cwd=clone,
        env={
            "PATH": f"{base.parent}:/usr/bin:/bin",
            "HOME": str(home),
            "EMPTY": str(empty),
            "CHURN_STREAM_CLASS_ARCHIVE": "off",
            **{k: v for k, v in os.environ.items() if k.startswith(("PIP_", "SSL_", "REQUESTS_"))},
        },
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "from the Python packages" in told.stderr
    assert "Downloading Kafka" in told.stderr
    assert "unaccounted          0" in told.stdout
    assert re.search(r"^=+ [1-9][0-9]* passed", told.stdout, re.MULTILINE)
    shutil.rmtree(clone)
