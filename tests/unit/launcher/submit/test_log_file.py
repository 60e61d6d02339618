from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from launcher.submit.log_file import claim_spark_log
from stream_telemetry.logs.settings import LogSettings

CLAIM = """\
import os, sys
from pathlib import Path
from launcher.submit.log_file import claim_spark_log
from stream_telemetry.logs.settings import LogSettings
claimed = claim_spark_log(LogSettings(log_dir=Path(sys.argv[1])))
print(claimed["CHURN_STREAM_SPARK_LOG"], flush=True)
os.execvp("cat", ["cat"])
"""


def test_the_second_job_in_a_directory_has_a_log_of_its_own(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    command = [sys.executable, "-c", CLAIM, str(logs)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as first:
        assert first.stdout
        assert first.stdout.readline() == "spark\n"
        # The first one has become another program by now, or will at once; the claim stays.
        second = claim_spark_log(LogSettings(log_dir=logs))
        assert first.stdin
        first.stdin.close()
    assert second["CHURN_STREAM_LOG_DIR"] == str(logs)
    assert second["CHURN_STREAM_SPARK_LOG"] == "spark-2"
    assert claim_spark_log(LogSettings(log_dir=logs))["CHURN_STREAM_SPARK_LOG"] == "spark"


def test_a_directory_that_cannot_be_made_is_left_to_the_job(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    directory = tmp_path / "file" / "logs"
    variables = claim_spark_log(LogSettings(log_dir=directory))
    assert variables["CHURN_STREAM_LOG_DIR"] == str(directory)
    assert "CHURN_STREAM_SPARK_LOG" not in variables


def test_the_jvms_log_has_the_permissions_of_the_jobs_and_may_go_to_the_console() -> None:
    variables = claim_spark_log(LogSettings(log_dir=Path("-"), log_file_mode="0640"))
    assert variables == {
        "CHURN_STREAM_LOG_DIR": "-",
        "CHURN_STREAM_LOG_PERMISSIONS": "rw-r-----",
    }
