"""How a user hears of an error when nobody listens where Python writes."""

from __future__ import annotations

import os
import subprocess
import sys

from sources import HOME

from sandbox.ports import free_port

PROGRAM = (
    "from telco_churn.errors import SettingsError, exit_with\n"
    "def main(arguments):\n"
    "    raise SettingsError('what, which value,\\n what to do')\n"
    "exit_with('job', main, [])\n"
)
LINE = "job: what, which value, what to do\n"


def run(program: str = PROGRAM, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        # Below a shell, as the job is below the JVM: that one's standard error is written to, too.
        ["/bin/sh", "-c", '"$0" -c "$1"; exit $?', sys.executable, program],
        env={**os.environ, "PYTHONPATH": str(HOME / "lib"), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_line_goes_to_standard_error() -> None:
    ended = run()
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", LINE)


def test_below_a_jvm_that_is_gone_the_line_is_written_all_the_same() -> None:
    gateway = {"PYSPARK_GATEWAY_PORT": str(free_port()), "PYSPARK_GATEWAY_SECRET": "x"}
    ended = run(**gateway)
    assert ended.returncode == 2
    assert ended.stderr.endswith(LINE)
    assert "Traceback" not in ended.stderr


def test_a_reader_that_is_gone_does_not_change_the_exit_code() -> None:
    ended = run(f"import os\nos.close(2)\n{PROGRAM}")
    assert ended.returncode == 2


def test_an_error_of_the_telemetry_is_told_in_the_same_way() -> None:
    ended = run(
        "from stream_telemetry.errors import TelemetryError\n"
        "from telco_churn.errors import exit_with\n"
        "def main(arguments): raise TelemetryError('port 8000 is taken')\n"
        "exit_with('job', main, [])\n"
    )
    assert ended.returncode == 2
    assert ended.stderr == "job: port 8000 is taken\n"
