"""Puts a whole submission together: checked, with all that it needs in place."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launcher.java import chosen_java
from launcher.jvm import job_jvm
from launcher.spark import SPARK_HOME
from launcher.submit.division import Division
from launcher.submit.exposed import exposed
from launcher.submit.log_file import claim_spark_log
from launcher.submit.spark_settings import read_spark_settings
from launcher.submit.surroundings import (
    check_classic_api,
    check_deploy_mode,
    passed_over,
    prepared_environment,
    python_options,
    with_conf_dir,
)
from stream_telemetry.logs.settings import LogSettings
from telco_churn.last_words import dismiss
from telco_churn.paths import job_program


@dataclass(frozen=True)
class Submission:
    """One run of the job.

    Attributes:
        command: spark-submit and its words; the job's options are at its end.
        environment: What it is to run in.
    """

    command: tuple[str, ...]
    environment: Mapping[str, str]


def put_together(
    division: Division,
    log: LogSettings,
    environment: Mapping[str, str],
    program: Path | None = None,
) -> Submission:
    """The submission of the job; standard error hears of Java, and of what has to be known.

    That is what is passed over of the environment, and secrets that everybody can read.

    Args:
        division: The command line.
        log: The job's settings of the log, which the JVM's follows.
        environment: The caller's.
        program: What spark-submit runs, if not the job's own program.

    Raises:
        SettingsError: Spark cannot be run as its options want.
        LaunchError: something is missing on this machine.
    """
    spark = read_spark_settings(division, with_conf_dir(environment))
    check_classic_api(spark)
    check_deploy_mode(spark)
    if spark.is_in_cluster:
        # The job begins on another machine.
        dismiss()
    java, jvm = chosen_java(), job_jvm(spark)
    for line in (*passed_over(environment), *exposed(spark), f"{java}, {jvm.told}"):
        sys.stderr.write(f"spark-submit.sh: {line}\n")
    prepared = prepared_environment(environment, spark, java)
    return Submission(
        command=(
            str(SPARK_HOME / "bin" / "spark-submit"),
            *division.spark_words,
            *jvm.options,
            *python_options(spark),
            # Spark reads a plain path as a URI where it can, and `#` would end that.
            (program or job_program()).absolute().as_uri(),
            *division.job,
        ),
        environment={**prepared, **jvm.environment, **claim_spark_log(log)},
    )


def hand_over(submission: Submission) -> None:
    """Becomes spark-submit; does not return."""
    # `exec` drops what is still in the buffer.
    sys.stderr.flush()
    os.execve(submission.command[0], submission.command, dict(submission.environment))
